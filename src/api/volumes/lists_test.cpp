#include "api/testing.h"
#include "api/volumes/handlers.h"

namespace scoria::api {
namespace {

constexpr const char* first = "6f519a48-3183-46cf-a32f-41815f813986";
constexpr const char* second = "7f519a48-3183-46cf-a32f-41815f813986";

struct VolumeLists : testing::Api {
  VolumeLists() {
    mount_volumes(handlers_, services_);
    write("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 'fast', 1, '{}', 1)");
    volume(first, "t");
    volume(second, "t");
  }

  void attach(const char* to) {
    write("INSERT INTO attachment (id, volume_id, project_id, user_id, attach_status, attached_host, created_at) VALUES (?, ?, ?, 'u1', 'attached', 'h', 1)",
          {std::string("of-") + to, to, testing::project});
    write("UPDATE volume SET attachments = 1, rev = rev + 1 WHERE id = ?", {to});
  }
  std::string detail(std::string_view target = "/v3/volumes/detail", const char* token = "member") { return json::to_text(ask(token, "GET", std::string(target)).body); }
  /// What stands at that path of the volume at `index`.
  std::string at(const testing::Reply& reply, std::size_t index, const char* key) { return json::to_text(reply.body["volumes"].array().at(index)[key]); }
};

TEST_F(VolumeLists, say_the_same_however_often_they_are_asked) {
  attach(first);
  const std::string once = detail();
  EXPECT_NE(once.find(first), std::string::npos);
  EXPECT_NE(once.find(R"("attachment_id":"of-)"), std::string::npos);
  for (int times = 0; times < 4; ++times) EXPECT_EQ(detail(), once);
  EXPECT_GT(pages_.size(), 1000u) << "kept from the second time on";
}

TEST_F(VolumeLists, tell_what_has_changed_since_they_were_written) {
  for (int times = 0; times < 3; ++times) detail();
  write("UPDATE volume SET name = 'new', rev = rev + 1 WHERE id = ?", {first});
  EXPECT_NE(detail().find(R"("name":"new")"), std::string::npos);
  attach(second);
  EXPECT_NE(detail().find("of-7f519a48"), std::string::npos);
  write("UPDATE attachment SET mountpoint = '/dev/vdq'");
  EXPECT_NE(detail().find("/dev/vdq"), std::string::npos) << "what is attached is never kept";
  volume("8f519a48-3183-46cf-a32f-41815f813986", "t");
  EXPECT_EQ(ask("member", "GET", "/v3/volumes/detail").body["volumes"].array().size(), 3u);
  write("DELETE FROM attachment");
  write("DELETE FROM volume WHERE id = ?", {second});
  const testing::Reply left = ask("member", "GET", "/v3/volumes/detail");
  ASSERT_EQ(left.body["volumes"].array().size(), 2u);
  EXPECT_EQ(at(left, 1, "name"), "\"new\"");
  write("UPDATE volume_type SET name = 'slow' WHERE id = 't'");
  names_.forget();
  EXPECT_EQ(at(ask("member", "GET", "/v3/volumes/detail"), 0, "volume_type"), "\"slow\"");
}

TEST_F(VolumeLists, are_written_for_who_asks_and_how) {
  attach(first);
  for (int times = 0; times < 3; ++times) {
    const testing::Reply member = ask("member", "GET", "/v3/volumes/detail"), admin = ask("admin", "GET", "/v3/volumes/detail?all_tenants=1");
    const testing::Reply foreign = ask("member@other", "GET", "/v3/volumes/detail"), old = ask("member", "GET", "/v3/volumes/detail", "", 0);
    EXPECT_EQ(at(member, 0, "os-vol-host-attr:host"), "null");
    EXPECT_EQ(at(member, 0, "os-vol-tenant-attr:tenant_id"), "\"aaaa1111\"");
    EXPECT_EQ(json::to_text(member.body).find("\"host_name\":\"h\""), std::string::npos);
    EXPECT_NE(json::to_text(admin.body).find("\"host_name\":\"h\""), std::string::npos);
    EXPECT_TRUE(foreign.body["volumes"].array().empty());
    EXPECT_EQ(json::to_text(old.body).find("volume_type_id"), std::string::npos);
    EXPECT_EQ(ask("member", "GET", "/v3/volumes/detail?limit=1").body["volumes"].array().size(), 1u);
    also_ = {{"X-Forwarded-Host", "elsewhere"}};
    EXPECT_NE(detail().find("http://elsewhere/v3"), std::string::npos);
    also_.clear();
    EXPECT_EQ(detail().find("http://elsewhere/v3"), std::string::npos);
  }
}

TEST_F(VolumeLists, of_names_only_say_no_more) {
  const testing::Reply names = ask("member", "GET", "/v3/volumes?limit=1");
  ASSERT_EQ(names.body["volumes"].array().size(), 1u);
  EXPECT_EQ(names.body["volumes"].array()[0].object().size(), 3u) << "id, name, links";
  EXPECT_NE(json::to_text(names.body["volumes_links"]).find("marker="), std::string::npos);
}

}  // namespace
}  // namespace scoria::api
