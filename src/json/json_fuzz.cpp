#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "json/parse.h"
#include "json/writer.h"

/// Any bytes as JSON: refused with a reason, or a value that survives being written and read. And as a text to write: the
/// output is JSON whatever the text was.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace scoria::json;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const scoria::Result<Value> value = parse(text);
  if (value) {
    for (const bool spaced : {false, true}) {
      const scoria::Result<Value> again = parse(to_text(*value, spaced));
      SCORIA_CHECK(again && *again == *value, "a value that does not survive the round trip");
    }
  } else {
    SCORIA_CHECK(value.error().message.find("byte") != std::string::npos, "a refusal without a place");
  }
  for (const bool spaced : {false, true}) {
    const std::string written = Writer(spaced).begin_array().string(text).end_array().take();
    const scoria::Result<Value> read = parse(written);
    SCORIA_CHECK(read && read->array().size() == 1 && read->array()[0].is_string(), "a text that was not written as JSON");
    if (spaced) SCORIA_CHECK(written.find_first_of("\x7f\n\r") == std::string::npos, "not printable ASCII");
  }
  return 0;
}
