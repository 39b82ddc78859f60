"""The recipe for Conan 2: `conan create cmake/packaging/conan --build=missing` builds the tree that it lies in."""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir
from conan.tools.scm import Version

required_conan_version = ">=2.0"


class CulexConan(ConanFile):
    name = "culex"
    description = "An MQTT client library for C++20: 3.1.1 and 5, coroutines on libuv, and a broker for tests"
    license = "MIT"
    topics = ("mqtt", "coroutines", "libuv", "iot")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"fPIC": [True, False], "with_tls": [True, False]}
    default_options = {"fPIC": True, "with_tls": True}
    implements = ["auto_shared_fpic"]

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..", "..")

    def set_version(self):
        # CMakeLists.txt has it, and nothing else.
        text = load(self, os.path.join(self._root, "CMakeLists.txt"))
        self.version = re.search(r"project\(culex VERSION ([0-9.]+)", text).group(1)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "src/*", "tests/bench/*"):
            copy(self, pattern, src=self._root, dst=self.export_sources_folder)

    def configure(self):
        if self.options.with_tls:
            # Names sent and checked, protocols agreed upon, sessions resumed: wolfSSL has them as options.
            for option in ("opensslextra", "opensslall", "alpn", "sni", "tls13", "sessioncerts", "certgen"):
                setattr(self.options["wolfssl"], option, True)

    def layout(self):
        self.folders.root = os.path.join("..", "..", "..")
        cmake_layout(self)

    def requirements(self):
        self.requires("fmt/[>=9.1 <10]")
        self.requires("libuv/[>=1.44 <2]", transitive_headers=True)  # culex/uv.hpp adopts a uv_loop_t
        if self.options.with_tls:
            self.requires("wolfssl/[>=5.5 <6]")

    def validate(self):
        check_min_cppstd(self, 20)
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration(f"{self.ref} has been tried on Linux alone")
        oldest = {"gcc": "12", "clang": "16"}.get(str(self.settings.compiler))
        if oldest is None or Version(self.settings.compiler.version) < oldest:
            raise ConanInvalidConfiguration(f"{self.ref} wants gcc 12 or clang 16, or newer ones")

    def build_requirements(self):
        self.tool_requires("cmake/[>=3.25 <4]")

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["CULEX_TLS"] = bool(self.options.with_tls)
        toolchain.cache_variables["CULEX_BUILD_TESTS"] = False
        toolchain.cache_variables["CULEX_BUILD_EXAMPLES"] = False
        toolchain.cache_variables["CULEX_INSTALL"] = True
        toolchain.generate()
        dependencies = CMakeDeps(self)
        dependencies.set_property("libuv", "cmake_target_name", "libuv::uv")  # uv_a elsewhere, when it is static
        dependencies.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        # Conan writes its own, from package_info.
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))
        rmdir(self, os.path.join(self.package_folder, "lib", "pkgconfig"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "culex")
        library = self.cpp_info.components["culex"]
        library.set_property("cmake_target_name", "culex::culex")
        library.set_property("pkg_config_name", "culex")
        library.libs = ["culex"]
        library.requires = ["libuv::libuv", "fmt::fmt"]
        library.system_libs = ["pthread"]
        if self.options.with_tls:
            library.requires.append("wolfssl::wolfssl")

        testing = self.cpp_info.components["testing"]
        testing.set_property("cmake_target_name", "culex::testing")
        testing.set_property("pkg_config_name", "culex-testing")
        testing.libs = ["culex_testing"]
        testing.requires = ["culex", "fmt::fmt"]
