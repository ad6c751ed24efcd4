#include "api/attachments/handlers.h"
#include "api/testing.h"

namespace scoria::api {
namespace {

/// A compute service whose servers use what stands in `used`.
class FakeCompute final : public Compute {
 public:
  Result<bool> uses(const std::string& server, const std::string&, const std::string& attachment, Deadline) override {
    if (down) return refuse(RefusalCode::unavailable, "nobody there");
    return used.contains(server + "/" + attachment);
  }
  std::set<std::string> used;
  bool down = false;
};

class Detaching : public testing::Api {
 protected:
  Detaching() {
    services_.detach_rule = &rule_;
    mount_attachments(handlers_, services_);
    mount_connections(handlers_, services_);
    volume("v1", "t0");
    write("UPDATE volume SET status = 'in-use', attach_status = 'attached', attachments = 1, backend = 'h@b', pool = 'p', provider_name = 'o' WHERE id = 'v1'");
    write("INSERT INTO attachment (id, volume_id, project_id, user_id, instance_id, attach_status, connection, hidden, created_at) "
          "VALUES (?, 'v1', ?, 'u1', 'vm1', 'attached', 'sealed', 0, 1)", {id, testing::project});
  }
  /// The four calls that cut off, without what they would do: a good one is stopped by a rule of its own further on.
  std::vector<int> cut_off() {
    const auto action = [&](const std::string& body) { return ask("admin", "POST", "/v3/volumes/v1/action", body).status; };
    return {action(R"({"os-detach":{"attachment_id":")" + id + R"("}})"), action(R"({"os-terminate_connection":{"connector":{"host":"h"}}})"),
            action(R"({"os-force_detach":{"attachment_id":")" + id + R"("}})"), ask("admin", "DELETE", "/v3/attachments/" + id).status};
  }
  const std::string id = "11111111-2222-4333-8444-555555555555";
  FakeCompute compute_;
  DetachRule rule_{&compute_, {"service"}};
};

TEST_F(Detaching, what_a_server_uses_is_not_cut_off_without_a_service_token) {
  compute_.used = {"vm1/" + id};
  EXPECT_EQ(cut_off(), (std::vector<int>{409, 409, 409, 409}));
  const auto refused = ask("admin", "DELETE", "/v3/attachments/" + id);
  EXPECT_NE(refused.message().find("vm1"), std::string::npos) << "the server is named";
  EXPECT_EQ(number("SELECT count(*) FROM attachment WHERE attach_status = 'attached'"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM operation"), 0);
}

TEST_F(Detaching, a_compute_service_that_cannot_be_asked_protects_its_servers) {
  compute_.down = true;
  EXPECT_EQ(cut_off(), (std::vector<int>{409, 409, 409, 409}));
}

TEST_F(Detaching, what_no_server_uses_may_be_cut_off_by_its_owner) {
  Context context;
  EXPECT_TRUE(rule_.check(context, "vm1", "v1", id)) << "the server has another attachment, or none";
  EXPECT_TRUE(rule_.check(context, "", "v1", id)) << "no server at all";
  compute_.used = {"vm1/" + id};
  EXPECT_FALSE(rule_.check(context, "vm1", "v1", id));
  context.service_roles = {"service"};
  EXPECT_TRUE(rule_.check(context, "vm1", "v1", id)) << "the compute service itself";
  EXPECT_FALSE(DetachRule(&compute_, {"other"}).check(context, "vm1", "v1", id)) << "which roles count is configured";
  EXPECT_TRUE(DetachRule(nullptr, {}).check({}, "vm1", "v1", id)) << "no compute service, no server";
}

TEST_F(Detaching, without_connection_information_nothing_is_protected) {
  compute_.used = {"vm1/" + id};
  write("UPDATE attachment SET connection = NULL");
  EXPECT_EQ(ask("admin", "DELETE", "/v3/attachments/" + id).status, 200);
  EXPECT_EQ(number("SELECT count(*) FROM attachment"), 0);
}

}  // namespace
}  // namespace scoria::api
