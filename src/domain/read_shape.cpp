#include "domain/read_shape.h"

#include "json/parse.h"

namespace scoria {

Result<json::Value> read_shape(std::string_view text, int newest, std::string_view shape) {
  auto value = json::parse(text);
  if (!value) return value;
  const std::int64_t version = value->integer_or("version", newest);
  if (version > newest) return refuse(RefusalCode::unsupported, "{} of version {} is newer than this build ({})", shape, version, newest);
  return value;
}

}  // namespace scoria
