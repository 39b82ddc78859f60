# culex_markdown_blocks(sources count file name [before]): each C++ block of a Markdown file becomes a source of its own,
# <name>_<number>.cpp, behind the text `before` (in which <semicolon> stands for one). Its `main` is called
# <name>_main_<number>, and a broker of the test takes the place of the one on localhost. No backticks in blocks.
function(culex_markdown_blocks sources_out count_out file name)
    string(REPLACE "<semicolon>" ";" before "${ARGN}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${file}")
    file(READ "${PROJECT_SOURCE_DIR}/${file}" text)
    # Brackets and semicolons mean something to CMake's lists.
    string(REPLACE ";" "<semicolon>" text "${text}")
    string(REPLACE "[" "<open>" text "${text}")
    string(REPLACE "]" "<close>" text "${text}")
    string(REGEX MATCHALL "```cpp\n[^`]*```" blocks "${text}")
    set(number 0)
    set(sources)
    foreach(block IN LISTS blocks)
        math(EXPR number "${number} + 1")
        string(REGEX REPLACE "```(cpp\n)?" "" block "${block}")
        string(REPLACE "<open>" "[" block "${block}")
        string(REPLACE "<close>" "]" block "${block}")
        string(REPLACE "<semicolon>" ";" block "${block}")
        string(REPLACE "\"mqtt://localhost\"" "readme_url()" block "${block}")
        string(REPLACE "\"localhost\", 60, 1883" "\"127.0.0.1\", 60, readme_port()" block "${block}")
        # Only under its own name may `main` end without a return.
        if(block MATCHES "int main\\(")
            string(REGEX REPLACE "}\n$" "    return 0;\n}\n" block "${block}")
        endif()
        set(source "${CMAKE_CURRENT_BINARY_DIR}/${name}_${number}.cpp")
        file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT "// Block @number@ of @file@.
#include <cstdint>
#include <string>
const std::string& readme_url();
std::uint16_t readme_port();
#define main @name@_main_@number@
@before@@block@")
        list(APPEND sources "${source}")
    endforeach()
    set(${sources_out} ${sources} PARENT_SCOPE)
    set(${count_out} ${number} PARENT_SCOPE)
endfunction()
