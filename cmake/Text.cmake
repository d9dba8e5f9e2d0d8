# Writes app/shipped_providers.h's text: cmake -D FROM=file -D OUT=… -P Text.cmake
file(READ ${FROM} text)
file(WRITE ${OUT} "// Made by cmake/Text.cmake from packaging/providers.toml.
#include \"app/shipped_providers.h\"

namespace paquebot::app {

std::string_view shipped_providers() {
  return R\"~~(${text})~~\";
}

} // namespace paquebot::app
")
