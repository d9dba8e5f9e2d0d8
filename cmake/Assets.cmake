# Writes the table of src/web/assets.h: cmake -D FOLDER=… -D FILES=a;b -D OUT=… -D LIMIT=octets -P Assets.cmake
# FILES lie in FOLDER, each as NAME.gz. All of them together, the console's first load, must stay below LIMIT.
set(types_html "text/html; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_svg "image/svg+xml")

set(arrays "")
set(rows "")
set(total 0)
set(number 0)
list(SORT FILES)
foreach(name ${FILES})
  file(SIZE ${FOLDER}/${name}.gz size)
  file(READ ${FOLDER}/${name}.gz octets HEX)
  file(SHA256 ${FOLDER}/${name}.gz digest)
  string(SUBSTRING ${digest} 0 20 digest)
  math(EXPR total "${total} + ${size}")
  string(REGEX MATCHALL "................................................................" lines ${octets})
  list(LENGTH lines whole)
  math(EXPR done "${whole} * 64")
  string(SUBSTRING ${octets} ${done} -1 rest)
  list(APPEND lines ${rest})
  list(JOIN lines "\n" octets)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," octets "${octets}")
  string(REGEX REPLACE ".*\\." "" ending ${name})
  string(APPEND arrays "constexpr unsigned char kOctets${number}[]{\n${octets}\n};\n\n")
  string(APPEND rows "    Asset{\"${name}\", \"${types_${ending}}\", text(kOctets${number}), \"\\\"${digest}\\\"\"},\n")
  math(EXPR number "${number} + 1")
endforeach()
if(total GREATER LIMIT)
  message(FATAL_ERROR "The console's first load has ${total} octets, compressed; ${LIMIT} are allowed.")
endif()

file(WRITE ${OUT} "// Made by cmake/Assets.cmake from web/.
#include \"web/assets.h\"

#include <array>

namespace paquebot::web {
namespace {

${arrays}template <std::size_t N> std::string_view text(const unsigned char (&octets)[N]) {
  return {reinterpret_cast<const char*>(octets), N};
}

} // namespace

std::span<const Asset> assets() {
  static const std::array<Asset, ${number}> all{
${rows}  };
  return all;
}

} // namespace paquebot::web
")
