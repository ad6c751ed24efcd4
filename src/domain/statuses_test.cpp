#include <gtest/gtest.h>

#include "domain/snapshots/snapshot.h"
#include "domain/volumes/volume.h"

namespace scoria {
namespace {

/// Every status up to `last` has a word of its own, which is read back; other words are none.
template <class Status>
void expect_own_words(Status last, Status other) {
  for (int number = 0; number <= static_cast<int>(last); ++number) {
    const auto status = static_cast<Status>(number);
    Status read = other;
    EXPECT_TRUE(parse(to_text(status), read)) << to_text(status);
    EXPECT_EQ(read, status) << to_text(status);
  }
  for (const char* word : {"", "nonsense", "Error"}) {
    Status read = other;
    EXPECT_FALSE(parse(word, read)) << word;
    EXPECT_EQ(read, other) << word;
  }
}

TEST(Statuses, are_words_that_are_read_back) {
  expect_own_words(VolumeStatus::error_managing_deleting, VolumeStatus::error);
  expect_own_words(SnapshotStatus::restoring, SnapshotStatus::error);
  EXPECT_EQ(to_text(VolumeStatus::in_use), "in-use");
  EXPECT_EQ(to_text(SnapshotStatus::backing_up), "backing-up");
}

TEST(Statuses, are_listed_for_sql) {
  EXPECT_EQ(sql_list({VolumeStatus::in_use}), "'in-use'");
  EXPECT_EQ(sql_list({VolumeStatus::in_use, VolumeStatus::error, VolumeStatus::available}), "'in-use', 'error', 'available'");
  EXPECT_EQ(sql_list({SnapshotStatus::error}), "'error'");
  EXPECT_EQ(sql_list({SnapshotStatus::error, SnapshotStatus::available}), "'error', 'available'");
}

}  // namespace
}  // namespace scoria
