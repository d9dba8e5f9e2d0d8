// The one translation unit that holds the compiled part of Boost.JSON, so that no other file pays for it.
#include <boost/json/src.hpp>
