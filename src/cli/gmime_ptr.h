#pragma once

#include <glib-object.h>
#include <memory>

namespace paquebot::cli {

struct GObjectDrop {
  void operator()(void* object) const { g_object_unref(object); }
};
struct GFree {
  void operator()(void* memory) const { g_free(memory); }
};

/// Owns one reference of a GMime object.
template <class T>
using Owned = std::unique_ptr<T, GObjectDrop>;
/// Owns a string of GLib.
using OwnedText = std::unique_ptr<char, GFree>;

/// Starts GMime; cheap when it was started before.
void start_gmime();

} // namespace paquebot::cli
