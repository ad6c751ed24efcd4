#include "api/explain.h"

#include "api/testing.h"
#include "base/bytes.h"
#include "store/pools/pools.h"

namespace scoria::api {
namespace {

constexpr const char* volume_id = "6f519a48-3183-46cf-a32f-41815f813986";

using testing::Reply;

struct Explain : testing::Api {
  scheduler::Scheduler scheduler;

  Explain() {
    mount_explain(handlers_, services_, scheduler);
    volume(volume_id, "t0");
    pool("full@one", 10 * gib, 10 * gib);
    pool("roomy@one", 10 * gib, 0);
  }

  /// A pool whose backend nobody serves.
  void pool(const std::string& backend, std::int64_t limit_bytes, std::int64_t allocated_bytes) {
    database().write([&](db::Transaction& tx) {
      store::pools::ensure_backend(tx, backend, "", "nova");
      store::pools::report(tx, {.backend = backend, .name = "p", .total_bytes = limit_bytes, .free_bytes = limit_bytes, .limit_bytes = limit_bytes, .json = "{}"});
      tx.run("UPDATE pool SET allocated_bytes = ? WHERE backend = ?", {allocated_bytes, backend});
    });
  }

  const json::Value& candidate(const Reply& reply, std::size_t at) { return reply.body["explanation"]["candidates"].array().at(at); }
};

TEST_F(Explain, every_pool_says_what_keeps_the_volume_out) {
  const Reply reply = ask("admin", "GET", std::string("/scoria/v1/explain/volumes/") + volume_id);
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(candidate(reply, 0)["host"].string(), "full@one#p");
  EXPECT_EQ(candidate(reply, 0)["objections"].array().size(), 2U);  // nobody serves it, and it is full
  EXPECT_EQ(candidate(reply, 0)["objections"].array().at(1)["missing_gib"].number(), 1);
  EXPECT_EQ(candidate(reply, 1)["objections"].array().at(0)["filter"].string(), "ServiceState");
}

TEST_F(Explain, users_are_told_reasons_but_no_hosts) {
  const Reply reply = ask("member", "GET", std::string("/scoria/v1/explain/volumes/") + volume_id);
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(json::to_text(reply.body).find("@one"), std::string::npos);
  EXPECT_EQ(candidate(reply, 1)["objections"].array().size(), 1U);
}

TEST_F(Explain, another_projects_volume_is_not_found) {
  EXPECT_EQ(ask("member@bbbb2222", "GET", std::string("/scoria/v1/explain/volumes/") + volume_id).status, 404);
}

TEST_F(Explain, the_hints_of_the_request_count) {
  write("INSERT INTO operation (id, kind, ver, queue, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, step, input, ctx, "
        "created_at, updated_at) VALUES ('o', 'volume.create', 1, 'q', 'aaaa1111', 'u1', 'r', 'volume', ?, 'failed', 0, 0, 'place', ?, '{}', 0, 0)",
        {volume_id, R"({"version":1,"size_gib":1,"source_type":"","source_id":"","hints":{"same_host":"nonsense"}})"});
  const Reply reply = ask("admin", "GET", std::string("/scoria/v1/explain/volumes/") + volume_id);
  EXPECT_NE(json::to_text(reply.body).find("which is no volume's id"), std::string::npos);
}

}  // namespace
}  // namespace scoria::api
