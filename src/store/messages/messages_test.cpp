#include "store/messages/messages.h"

#include "store/events/outbox.h"
#include "store/idempotency/keys.h"
#include "store/testing.h"

namespace scoria::store::messages {
namespace {

using testing::joined;
using testing::Texts;

class Notes : public testing::Migrated {};
SCORIA_EVERY_ENGINE(Notes);

TEST_P(Notes, messages_are_read_as_they_were_left) {
  const Message left{.id = "a", .project_id = "p", .request_id = "q", .resource_type = "VOLUME", .resource_id = "v", .action_id = "001", .detail_id = "002", .level = "WARN",
                     .text = "why"};
  Message again = left, other = left;
  again.text = "another", other.id = "b", other.text = "", other.request_id = "";
  database().write([&](db::Transaction& tx) { add(tx, left), add(tx, again), add(tx, other); });
  EXPECT_EQ(rows("SELECT id, created_at, expires_at, request_id, text FROM message ORDER BY id"), (Texts{"a|now|now+2592000s|q|why", "b|now|now+2592000s|-|-"}));
  run("UPDATE message SET created_at = 21, expires_at = 22");
  const auto m = read([](auto& tx) { return find(tx, "a"); });
  ASSERT_TRUE(m);
  EXPECT_EQ(joined(m->id, m->project_id, m->request_id, m->resource_type, m->resource_id, m->action_id, m->detail_id, m->level, m->text, m->created_at, m->expires_at),
            "a|p|q|VOLUME|v|001|002|WARN|why|21|22");
  EXPECT_FALSE(read([](auto& tx) { return find(tx, "nobody"); }));
  EXPECT_EQ(database().write([](db::Transaction& tx) { return remove(tx, "nobody"); }), 0);
  EXPECT_EQ(database().write([](db::Transaction& tx) { return remove(tx, "a"); }), 1);
  EXPECT_EQ(rows("SELECT id FROM message"), Texts{"b"});
}

TEST_P(Notes, events_wait_in_their_order_until_they_are_delivered) {
  const auto waiting = [&] {
    const outbox::Backlog now = read([](auto& tx) { return outbox::backlog(tx); });
    return std::pair(now.events, std::chrono::round<std::chrono::minutes>(now.lag).count());
  };
  EXPECT_EQ(waiting(), (std::pair<std::int64_t, std::int64_t>(0, 0)));
  database().write([](db::Transaction& tx) {
    for (const char* id : {"e1", "e2", "e3", "e4", "e5"}) outbox::add(tx, id, "volume.create.start", id == std::string_view("e1") ? "o" : "", "{}");
  });
  EXPECT_EQ(rows("SELECT created_at, op FROM outbox WHERE id IN ('e1', 'e2') ORDER BY seq"), (Texts{"now|o", "now|-"}));
  run("UPDATE outbox SET created_at = scoria_now() - 600000000 WHERE id = 'e1'"), run("UPDATE outbox SET created_at = 7 WHERE id = 'e2'");
  EXPECT_EQ(waiting(), (std::pair<std::int64_t, std::int64_t>(5, 10)));
  const auto some = read([](auto& tx) { return outbox::oldest(tx, 4); });
  ASSERT_EQ(some.size(), 4u);
  EXPECT_EQ(joined(some[0].id, some[0].topic, some[0].operation, some[0].body), "e1|volume.create.start|o|{}");
  EXPECT_EQ(joined(some[1].id, some[1].created_at, some[1].seq - some[0].seq, some[3].id), "e2|7|1|e4");
  database().write([&](db::Transaction& tx) { outbox::remove(tx, {some[3], some[1]}), outbox::remove(tx, {}); });
  EXPECT_EQ(rows("SELECT id FROM outbox ORDER BY seq"), (Texts{"e1", "e3", "e5"}));
}

TEST_P(Notes, idempotency_keys_stand_for_what_they_made_while_their_window_lasts) {
  const idempotency::Key key{"p", "u", "k"};
  const auto made = [&](const idempotency::Key& of) {
    const auto found = read([&](auto& tx) { return idempotency::find(tx, of); });
    return found ? joined(found->request_hash, found->operation, found->resource_id) : "nothing";
  };
  const auto make = [&](const idempotency::Key& of, const char* hash) {
    database().write([&](db::Transaction& tx) { idempotency::insert(tx, of, {hash, "o", "v"}); });
  };
  make({"p", "u", "other"}, "h1"), make({"p", "other", "k"}, "h2"), make({"other", "u", "k"}, "h3");
  EXPECT_EQ(made(key), "nothing");
  make(key, "h4");
  EXPECT_EQ(made(key), "h4|o|v");
  EXPECT_EQ(rows("SELECT MIN(expires_at), MAX(expires_at) FROM idempotency"), Texts{"now+86400s|now+86400s"});
  EXPECT_THROW(make(key, "h5"), db::ConstraintError);
  run("UPDATE idempotency SET expires_at = scoria_now()");
  EXPECT_EQ(made(key), "nothing") << "its window is over";
  make(key, "h5");
  EXPECT_EQ(made(key), "h5|o|v");
  EXPECT_EQ(rows("SELECT request_hash FROM idempotency ORDER BY request_hash"), (Texts{"h1", "h2", "h3", "h5"}));
}

}  // namespace
}  // namespace scoria::store::messages
