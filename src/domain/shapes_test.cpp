#include "domain/shapes.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "json/parse.h"

namespace scoria {
namespace {

namespace fs = std::filesystem;

// One example of each shape in which no member has its default.
void fill(CreateVolumeInput& s) { s = {.size_gib = 7, .source_type = "snapshot", .source_id = "5f0c", .hints = R"({"same_host":["1a"]})"}; }
void fill(ExtendVolumeInput& s) { s = {.old_gib = 1, .new_gib = 3, .old_bytes = 1073741824}; }
void fill(RevertVolumeInput& s) { s = {.snapshot_id = "5f0c"}; }
void fill(Placement& s) { s = {.backend = "host@file", .pool = "fast", .object = "volume-5f0c.r2", .bytes = 4096, .refused = {"host@file#slow"}}; }
void fill(ConnectorShape& s) {
  s = {.host = "compute", .ip = "192.0.2.1", .initiator = "iqn.2026-01.example:1", .nqn = "nqn.2026-01.example:1", .mountpoint = "/dev/vdb", .transport = "nbd",
       .mode = "ro", .multipath = true};
}
void fill(ConnectionShape& s) {
  s = {.protocol = "iscsi", .type = "iscsi", .chap_user = "user", .chap_secret = "secret", .data = R"({"target_lun":1,"auth_method":"CHAP","encrypted":false})"};
}
void fill(ResourceEvent& s) {
  s = {.volume_id = "5f0c", .snapshot_id = "77aa", .project_id = "p", .user_id = "u", .request_id = "req-1", .operation = "o", .size_gib = 7};
}
void fill(PoolReportShape& s) {
  s = {.thin = false, .online_extend = true, .multiattach = true, .snapshot_revert = true, .reserved_percentage = 5, .max_over_subscription_ratio = 1.5,
       .storage_protocol = "NBD", .extra = {{"tier", json::Value(std::string("fast"))}}};
}

/// A shape without its type, so that the rules of goldens can be tried on one that breaks them.
struct Tested {
  std::string name;
  int version = 0;
  std::string example;
  std::function<Result<std::string>(std::string_view)> again;  // read and written by this build
};

template <class Shape>
Tested tested() {
  Shape shape;
  fill(shape);
  return {std::string(Shape::shape), Shape::version, shape.to_json(), [](std::string_view text) -> Result<std::string> {
            const auto read = Shape::from_json(text);
            if (!read) return refuse(read.error());
            return read->to_json();
          }};
}

std::vector<Tested> all() {
  std::vector<Tested> out;
  each_stored_shape([&]<class Shape>() { out.push_back(tested<Shape>()); });
  return out;
}

std::string content(const fs::path& path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

fs::path golden_of(const fs::path& folder, const std::string& name, int version) { return folder / (name + ".v" + std::to_string(version) + ".json"); }

/// What is wrong between a shape and its goldens. A golden that is missing is written if that is asked for; one that
/// is there is never changed: a released text does not change.
std::vector<std::string> complaints(const Tested& shape, const fs::path& folder, bool write_missing) {
  std::vector<std::string> out;
  const fs::path newest = golden_of(folder, shape.name, shape.version);
  if (!fs::exists(newest) && write_missing) std::ofstream(newest) << shape.example << '\n';
  if (content(newest) != shape.example)
    out.push_back(newest.string() + (fs::exists(newest) ? " differs: a change of the shape wants a new version, with a reader of the old one"
                                                        : " is missing: SCORIA_REGENERATE=1 writes it"));
  for (int version = 1; version <= shape.version; ++version) {
    const fs::path golden = golden_of(folder, shape.name, version);
    if (!fs::exists(golden)) {
      out.push_back(golden.string() + " is gone: an old text must stay readable");
      continue;
    }
    const auto read = shape.again(content(golden));
    const auto twice = read ? shape.again(*read) : read;
    if (!read || !twice || *read != *twice) out.push_back(golden.string() + " is not read as it was written");
    if (read && version == shape.version && *read != content(golden)) out.push_back(golden.string() + " loses something when it is read");
  }
  return out;
}

const fs::path folder = "src/domain/goldens";

TEST(Shapes, each_is_as_its_golden_and_every_older_one_is_read) {
  for (const Tested& shape : all())
    for (const std::string& complaint : complaints(shape, folder, ::getenv("SCORIA_REGENERATE") != nullptr)) ADD_FAILURE() << complaint;
}

TEST(Shapes, every_golden_is_of_a_shape_that_is_still_read) {
  std::size_t files = 0, versions = 0;
  for (const Tested& shape : all()) versions += static_cast<std::size_t>(shape.version);
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".json") ++files;
  EXPECT_EQ(files, versions);
}

TEST(Shapes, no_member_of_an_example_has_its_default) {
  each_stored_shape([]<class Shape>() {
    Shape filled;
    fill(filled);
    const auto example = json::parse(filled.to_json()), empty = json::parse(Shape{}.to_json());
    ASSERT_TRUE(example && empty);
    EXPECT_EQ(example->integer_or("version"), Shape::version);
    for (const auto& [key, value] : example->object())
      EXPECT_TRUE(key == "version" || (*empty)[key] != value) << Shape::shape << ": " << key;
  });
}

TEST(Shapes, a_text_of_a_newer_build_is_refused) {
  each_stored_shape([]<class Shape>() {
    const auto read = Shape::from_json(R"({"version":)" + std::to_string(Shape::version + 1) + "}");
    ASSERT_FALSE(read) << Shape::shape;
    EXPECT_EQ(read.error().code, RefusalCode::unsupported);
  });
}

TEST(Shapes, what_is_missing_or_of_another_kind_is_as_if_it_were_not_said) {
  each_stored_shape([]<class Shape>() {
    const std::string unsaid = Shape{}.to_json();
    EXPECT_EQ(Shape::from_json("{}")->to_json(), unsaid);
    EXPECT_EQ(Shape::from_json(R"({"hints":["a"],"data":["a"],"extra":["a"],"refused":"a","max_over_subscription_ratio":"a"})")->to_json(), unsaid);
    for (const char* broken : {"", "{", "nonsense"}) EXPECT_FALSE(Shape::from_json(broken)) << Shape::shape << broken;
  });
  EXPECT_EQ(Placement::from_json(R"({"refused":["a",5,"b"]})")->refused, (std::vector<std::string>{"a", "b"}));
}

TEST(Shapes, an_event_says_only_what_there_is) {
  EXPECT_EQ(ResourceEvent{}.to_json(), R"({"version":1})");
  EXPECT_EQ((ResourceEvent{.volume_id = "v", .size_gib = 1}).to_json(), R"({"version":1,"volume_id":"v","size_gib":1})");
  EXPECT_EQ(ResourceEvent::from_json(R"({"version":1,"volume_id":"v"})")->size_gib, 0);
}

/// The rules above, on shapes that break them.
TEST(Goldens, a_change_without_a_new_version_and_a_lost_reader_are_told) {
  char path[] = "/tmp/scoria-goldens-XXXXXX";
  const fs::path here = ::mkdtemp(path);
  const auto same = [](std::string_view text) -> Result<std::string> { return std::string(text); };
  const Tested first{"s", 1, R"({"version":1,"a":1})", same};
  EXPECT_EQ(complaints(first, here, false).size(), 2u);  // missing, and so not readable
  EXPECT_TRUE(complaints(first, here, true).empty());
  const Tested changed{"s", 1, R"({"version":1,"a":1,"b":2})", same};
  EXPECT_EQ(complaints(changed, here, true).size(), 1u);  // and SCORIA_REGENERATE does not help
  const Tested second{"s", 2, R"({"version":2,"a":1,"b":2})", same};
  EXPECT_TRUE(complaints(second, here, true).empty());
  const Tested forgetful{"s", 2, second.example, [](std::string_view text) -> Result<std::string> {
                           if (text.find("\"version\":1") != std::string_view::npos) return refuse(RefusalCode::unsupported, "too old");
                           return std::string(text);
                         }};
  EXPECT_EQ(complaints(forgetful, here, false).size(), 1u);
  const Tested lossy{"s", 2, second.example, [](std::string_view) -> Result<std::string> { return std::string(R"({"version":2})"); }};
  EXPECT_EQ(complaints(lossy, here, false).size(), 1u);
  fs::remove(golden_of(here, "s", 1));
  EXPECT_EQ(complaints(second, here, false).size(), 1u);
  fs::remove_all(here);
}

}  // namespace
}  // namespace scoria
