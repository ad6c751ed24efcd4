#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/driver.h"

namespace scoria::drivers::file {

/// One file of an object's chain. Files are shared between objects by hard links, under one name everywhere.
struct Layer {
  std::string file;    // name in the object's directory
  std::string format;  // raw or qcow2
  bool operator==(const Layer&) const = default;
};

/// The content of POOL/<name>/object: what the directory is. Always replaced as a whole, so it is the one place where an
/// object changes its shape.
struct Description {
  std::string deployment;
  bool complete = false;        // false: a copy still fills it
  bool read_only = false;       // a snapshot: its head is shared and never written
  Bytes size;
  int next_layer = 1;           // numbers of layers are not used twice
  std::vector<Layer> layers;    // head first; only the head may be written
  ObjectRef source;             // what it was made from; while partial: what still fills it
  bool own_source = false;      // the source is a hidden object of ours that goes when the copy ends
  ObjectRef freezing;           // a snapshot or clone under way: its name; layers[1] becomes its head
  std::string merging;          // a raw file with the bytes of all layers below the head, which is just becoming their heir

  const Layer& head() const { return layers.front(); }
  bool operator==(const Description&) const;
};

/// The name of a layer once it is never written again; heads carry the other name, so that who was told of a head before
/// it froze cannot open it any more.
std::string frozen_name(const std::string& file);
std::string thawed_name(const std::string& frozen);

std::string to_text(const Description& description);
/// Nothing when the text is not a description of a version this program knows.
std::optional<Description> parse_description(std::string_view text);

}  // namespace scoria::drivers::file
