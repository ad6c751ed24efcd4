#include "db/migrate.h"
#include "db/testing.h"
#include "store/attachments/attachments.h"
#include "store/migrations.h"
#include "store/volumes/volumes.h"

namespace scoria::store::attachments {
namespace {

class FollowedVolumes : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), migrations());
    database().write([](db::Transaction& tx) {
      tx.run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 'fast', 1, '{}', 1)");
      for (const char* id : {"short", "whole"})
        volumes::insert(tx, {.id = {id}, .project_id = "p", .user_id = "u", .size_gib = 1, .type = {"t"}, .availability_zone = "nova", .charge = {}});
    });
  }

  static Attachment attachment(const std::string& volume, const std::string& id, std::string_view status, bool hidden = false) {
    Attachment out;
    out.id = {id}, out.volume_id = {volume}, out.project_id = "p", out.user_id = "u", out.attach_status = status, out.hidden = hidden;
    return out;
  }

  /// Neither held by an operation nor held, without attachments.
  void reset(const char* holder) {
    database().write([&](db::Transaction& tx) {
      tx.run("DELETE FROM attachment");
      tx.run("UPDATE volume SET status = 'extending', previous_status = 'available', attach_status = 'detached', attachments = 0, rev = 5, x_op = ?, x_mode = ?",
             {db::or_null(holder), db::or_null(*holder == '\0' ? "" : "L")});
    });
  }

  std::string row(const char* id) {
    const db::Rows rows = database().read([&](db::Transaction& tx) {
      return tx.query("SELECT status, previous_status, attach_status, attachments, rev FROM volume WHERE id = ?", {id});
    });
    return rows.at(0, 0).text() + " " + rows.at(0, 1).text() + " " + rows.at(0, 2).text() + " " + std::to_string(rows.at(0, 3).integer()) + " " +
           std::to_string(rows.at(0, 4).integer());
  }
};
SCORIA_EVERY_ENGINE(FollowedVolumes);

TEST_P(FollowedVolumes, one_attachment_says_the_same_as_the_count_of_all) {
  for (const char* holder : {"", "operation"})
    for (const bool hidden : {false, true})
      for (const char* status : {"reserved", "attaching", "attached", "detaching", "error_attaching", "error_detaching"}) {
        reset(holder);
        database().write([&](db::Transaction& tx) {
          for (const char* volume : {"short", "whole"}) insert(tx, attachment(volume, std::string("of-") + volume, status, hidden));
          follow_first(tx, "first", attachment("short", "of-short", status, hidden), 5);
          follow_attachments(tx, "seen", {"whole"}, 5);
        });
        EXPECT_EQ(row("short"), row("whole")) << status << hidden << holder;
        database().write([&](db::Transaction& tx) {
          follow_only(tx, "only", attachment("short", "of-short", status, hidden));
          follow_attachments(tx, {"whole"});
        });
        EXPECT_EQ(row("short"), row("whole")) << status << hidden << holder;
        database().write([&](db::Transaction& tx) {
          tx.run("DELETE FROM attachment");
          follow_last(tx, "last", {"short"});
          follow_attachments(tx, {"whole"});
        });
        EXPECT_EQ(row("short"), row("whole")) << status << hidden << holder;
      }
}

TEST_P(FollowedVolumes, who_knows_too_little_changes_nothing) {
  reset("");
  const Attachment one = attachment("short", "one", "attached");
  database().write([&](db::Transaction& tx) {
    insert(tx, one);
    insert(tx, attachment("short", "two", "attached"));
    follow_attachments(tx, "seen", {"short"}, 5);
  });
  const std::string before = row("short");
  EXPECT_THROW(database().write([&](db::Transaction& tx) { follow_first(tx, "first", one, 5); }), db::GuardFailed);
  EXPECT_THROW(database().write([&](db::Transaction& tx) { follow_only(tx, "only", one); }), db::GuardFailed);
  EXPECT_THROW(database().write([&](db::Transaction& tx) { follow_last(tx, "last", {"short"}); }), db::GuardFailed);
  EXPECT_EQ(row("short"), before);
}

}  // namespace
}  // namespace scoria::store::attachments
