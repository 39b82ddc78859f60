#include "model/check.hpp"

#include "model/client_world.hpp"
#include "model/world.hpp"

namespace culex::model {

std::string check(const Program& program) {
    if (program.setting.world == static_cast<std::uint32_t>(WorldKind::client))
        return ClientWorld(program.setting).run(program.steps);
    return World(program.setting).run(program.steps);
}

} // namespace culex::model
