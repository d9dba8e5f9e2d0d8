// The one translation unit that holds the compiled part of Asio (BOOST_ASIO_SEPARATE_COMPILATION is
// defined for every file), so that no other file pays for it.
#include <boost/asio/impl/src.hpp>
