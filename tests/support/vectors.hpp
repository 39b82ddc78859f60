#pragma once
/// \file vectors.hpp
/// Packets and their bytes, made by hand from the two standards: every packet type and every property. The bytes are the
/// shortest form, properties in the order of their numbers.

#include <vector>

#include <culex/packet.hpp>

#include "support/vectors_3_1_1.hpp"
#include "support/vectors_5.hpp"

namespace culex::testing {

[[nodiscard]] inline const std::vector<Vector>& vectors() {
    static const std::vector<Vector> all = [] {
        std::vector<Vector> both = vectors_3_1_1();
        for (const Vector& vector : vectors_5()) both.push_back(vector);
        return both;
    }();
    return all;
}

} // namespace culex::testing
