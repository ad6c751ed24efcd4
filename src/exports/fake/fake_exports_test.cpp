#include "exports/testing.h"

namespace scoria::exports {
namespace {

using FakeBackend = ExportsTest;

TEST_F(FakeBackend, volumes_in_memory_are_exported_by_name_only_and_once_removed_are_unknown) {
  start();
  const ExportSpec spec{.name = "a1", .volume_id = "v1", .location = {.protocol = "fake", .path = "p/v1", .format = "raw"}, .size = {mib}};
  for (int again = 0; again < 2; ++again) {
    const auto made = exports->ensure(call(), "iscsi", spec);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->type, "fake");
  }
  FakeExports known;
  known.ensure(spec);
  EXPECT_TRUE(known.remove("a1"));
  EXPECT_FALSE(known.remove("a1"));
  EXPECT_TRUE(exports->remove(call(), "a1"));
  EXPECT_TRUE(exports->list(call())->empty());
}

}  // namespace
}  // namespace scoria::exports
