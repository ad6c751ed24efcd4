#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/config.h"
#include "config/options/common.h"

namespace {

using namespace scoria;

Result<config::Config> load(std::string text) {
  static const config::Catalogue catalogue = config::common();
  config::Sources sources;
  sources.texts.emplace_back("fuzz", std::move(text));
  return config::load(catalogue, sources);
}

std::string without_comments(const std::string& file) {
  std::string out;
  for (std::size_t at = 0; at < file.size();) {
    const std::size_t end = std::min(file.find('\n', at), file.size() - 1) + 1;
    if (file[at] != '#') out += file.substr(at, end - at);
    at = end;
  }
  return out;
}

}  // namespace

/// Any bytes as a configuration file: refused with a text of bounded length, or taken; what is taken and holds no secret
/// is shown as a file that reads back as the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Result<config::Config> first = load(std::string(reinterpret_cast<const char*>(data), size));
  if (!first) {
    if (first.error().message.empty() || first.error().message.size() > 100'000) std::abort();
    return 0;
  }
  const std::string shown = first->show();
  if (shown.find("***") != std::string::npos) return 0;
  const Result<config::Config> second = load(shown);
  if (!second || without_comments(second->show()) != without_comments(shown)) std::abort();
  return 0;
}
