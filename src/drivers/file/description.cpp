#include "drivers/file/description.h"

#include <charconv>

#include "drivers/names.h"

namespace scoria::drivers::file {
namespace {

constexpr std::string_view first_line = "scoria-object 1";
constexpr std::string_view frozen_mark = ".frozen";

std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

bool read_number(std::string_view text, std::int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out >= 0;
}

bool read_reference(std::string_view text, ObjectRef& out) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  out = {.pool = std::string(text.substr(0, slash)), .name = std::string(text.substr(slash + 1))};
  return true;
}

bool read_layer(std::string_view text, std::vector<Layer>& out) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return false;
  Layer layer{.file = std::string(text.substr(space + 1)), .format = std::string(text.substr(0, space))};
  // Never a way out of the directory, whoever wrote the text.
  const bool leads_elsewhere = layer.file.empty() || layer.file == "." || layer.file == ".." || layer.file.find('/') != std::string::npos;
  if ((layer.format != "raw" && layer.format != "qcow2") || layer.file.size() > 240 || leads_elsewhere) return false;
  out.push_back(std::move(layer));
  return true;
}

bool read_field(std::string_view key, std::string_view value, Description& out) {
  std::int64_t number = 0;
  if (key == "deployment") out.deployment = value;
  else if (key == "state") out.complete = value == "complete";
  else if (key == "access") out.read_only = value == "read-only";
  else if (key == "size") return read_number(value, out.size.count);
  else if (key == "next_layer") return read_number(value, number) && ((out.next_layer = static_cast<int>(number)), true);
  else if (key == "layer") return read_layer(value, out.layers);
  else if (key == "source") return read_reference(value, out.source);
  else if (key == "own_source") out.own_source = value == "yes";
  else if (key == "freezing") return read_reference(value, out.freezing);
  else if (key == "merging") return value.find('/') == std::string_view::npos && ((out.merging = value), true);
  return true;  // unknown keys are of a newer minor version
}

}  // namespace

bool Description::operator==(const Description& other) const { return to_text(*this) == to_text(other); }

std::string frozen_name(const std::string& file) {
  std::string out = file;
  return out.insert(file.rfind('.'), frozen_mark);
}

std::string thawed_name(const std::string& frozen) {
  std::string out = frozen;
  return out.erase(frozen.rfind(frozen_mark), frozen_mark.size());
}

std::string to_text(const Description& description) {
  std::string out = fmt::format("{}\ndeployment={}\nstate={}\naccess={}\nsize={}\nnext_layer={}\n", first_line, description.deployment,
                                description.complete ? "complete" : "partial", description.read_only ? "read-only" : "read-write", description.size.count,
                                description.next_layer);
  for (const Layer& layer : description.layers) out += fmt::format("layer={} {}\n", layer.format, layer.file);
  if (!description.source.name.empty()) out += fmt::format("source={}/{}\n", description.source.pool, description.source.name);
  if (description.own_source) out += "own_source=yes\n";
  if (!description.freezing.name.empty()) out += fmt::format("freezing={}/{}\n", description.freezing.pool, description.freezing.name);
  if (!description.merging.empty()) out += fmt::format("merging={}\n", description.merging);
  return out;
}

std::optional<Description> parse_description(std::string_view text) {
  if (next_line(text) != first_line) return std::nullopt;
  Description out;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || !read_field(line.substr(0, equals), line.substr(equals + 1), out)) return std::nullopt;
  }
  if (out.layers.empty() || (!out.merging.empty() && out.layers.size() < 2)) return std::nullopt;
  return out;
}

}  // namespace scoria::drivers::file
