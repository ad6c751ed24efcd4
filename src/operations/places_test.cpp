#include "operations/places.h"

#include "commands/attachments/attach.h"
#include "commands/volumes/delete.h"
#include "commands/volumes/extend.h"
#include "operations/testing.h"
#include "store/portals/portals.h"

namespace scoria::operations {
namespace {

/// One portal, which this machine has or has not.
class FakePlaces final : public Places {
 public:
  const std::string& cluster() const override { return cluster_; }
  std::string home() const override { return "host/one"; }
  std::string choose(const std::string&) const override { return "10.0.0.1"; }
  bool serves(const std::string& place) const override { return place == home() || held; }
  bool abandoned(const std::string& place) const override { return place == "host/away"; }
  bool alive(const std::string&) const override { return false; }

  std::atomic<bool> held{false};

 private:
  const std::string cluster_ = "all";
};

/// A cluster's backend, whose exports are served at a portal.
class Placed : public testing::Node {
 protected:
  void SetUp() override {
    Node::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    backends_.find("one@fake")->cluster = "one@fake";
    services_->places = &places_;
  }
  void TearDown() override {
    places_.held = true;
    Node::TearDown();
  }
  void take_portal() {
    places_.held = true;
    engine_->serve("exports/10.0.0.1");
  }
  commands::Attaching attach(const Volume& volume, const std::string& host = "h") {
    const auto attaching = commands::create_attachment(*commands_, context_, volume.id, {.instance_id = host, .connect = true, .connector = {.host = host}});
    EXPECT_TRUE(attaching);
    return *attaching;
  }
  std::int64_t waiting_at_the_portal() { return count("SELECT count(*) FROM operation WHERE queue = 'exports/10.0.0.1' AND state = 'ready'"); }
  bool eventually(const std::function<bool()>& so) {
    for (int i = 0; i < 500 && !so(); ++i) clock().sleep(std::chrono::milliseconds{10});
    return so();
  }

  FakePlaces places_;
};
SCORIA_ON_NODE(Placed);

TEST_P(Placed, an_attach_waits_for_the_machine_that_has_the_portal_and_is_exported_at_its_address) {
  const Volume before = available(1);
  const auto attaching = attach(before);
  ASSERT_TRUE(eventually([&] { return waiting_at_the_portal() == 1; }));
  EXPECT_EQ(count("SELECT max(epoch) FROM operation WHERE kind = 'attachment.connect'"), 1) << "placed by who began it, at the first try";
  EXPECT_EQ(door_.size(), 0U);
  take_portal();
  ASSERT_TRUE(eventually([&] { return door_.spec(attaching.attachment.id.text).has_value(); }));
  EXPECT_EQ(door_.spec(attaching.attachment.id.text)->portal, "10.0.0.1");
}

TEST_P(Placed, a_removal_and_what_touches_a_volume_in_use_go_where_it_is_served) {
  const Volume before = available(1);
  take_portal();
  const auto attaching = attach(before);
  ASSERT_TRUE(eventually([&] { return count("SELECT count(*) FROM attachment WHERE x_op IS NULL") == 1; }));
  ASSERT_TRUE(commands::complete_attachment(*commands_, attaching.attachment));
  places_.held = false;
  engine_->stop_serving("exports/10.0.0.1");
  ASSERT_TRUE(commands::extend_volume(*commands_, context_, *volume(before.id), 2, true));
  ASSERT_TRUE(eventually([&] { return waiting_at_the_portal() == 1; }));
  ASSERT_TRUE(commands::remove_attachment(*commands_, context_, attaching.attachment));
  ASSERT_TRUE(eventually([&] { return waiting_at_the_portal() == 2; }));
  EXPECT_EQ(door_.size(), 1U);
  take_portal();
  EXPECT_TRUE(eventually([&] { return door_.size() == 0 && count("SELECT count(*) FROM attachment") == 0; }));
  EXPECT_EQ(status_after_work(before.id), "available");
  EXPECT_EQ(volume(before.id)->size_gib, 2);
}

TEST_P(Placed, a_volume_whose_machine_is_away_is_detached_by_another) {
  const Volume before = available(1);
  take_portal();
  const auto attaching = attach(before);
  ASSERT_TRUE(eventually([&] { return count("SELECT count(*) FROM attachment WHERE x_op IS NULL") == 1; }));
  database().write([](db::Transaction& tx) { tx.run("UPDATE export_place SET place = 'host/away'"); });
  places_.held = false;
  ASSERT_TRUE(commands::remove_attachment(*commands_, context_, attaching.attachment));
  EXPECT_TRUE(eventually([&] { return count("SELECT count(*) FROM attachment") == 0; }));
}

TEST_P(Placed, a_deleted_volume_leaves_no_place) {
  const Volume before = available(1);
  take_portal();
  const auto attaching = attach(before);
  ASSERT_TRUE(eventually([&] { return count("SELECT count(*) FROM export_place") == 1 && door_.size() == 1; }));
  EXPECT_EQ(count("SELECT count(*) FROM operation WHERE history LIKE '%export%export%'"), 0) << "a step that goes on elsewhere is not done yet";
  ASSERT_TRUE(commands::remove_attachment(*commands_, context_, attaching.attachment));
  ASSERT_TRUE(eventually([&] { return count("SELECT count(*) FROM attachment") == 0; }));
  ASSERT_TRUE(commands::delete_volume(*commands_, context_, before, {}));
  EXPECT_EQ(status_after_work(before.id), "gone");
  EXPECT_EQ(count("SELECT count(*) FROM export_place"), 0);
}

}  // namespace
}  // namespace scoria::operations
