#include "reconcile/portals.h"

#include "operations/testing.h"

namespace scoria::reconcile {
namespace {

using drivers::DriverError;
using drivers::FailureClass;
namespace portals = store::portals;

constexpr Duration lease = 400ms;

/// What a machine was told to do, in order.
class FakeMoving final : public exports::Moving {
 public:
  FakeMoving(Clock& clock, std::string name) : clock_(clock), name_(std::move(name)) {}
  std::string home() override { return name_; }
  bool extend_leash(Instant until) override {
    if (keeper) until_ = until, done.emplace_back("leash");
    return keeper;
  }
  bool leash_holds() const override { return clock_.now() < until_; }
  drivers::DriverResult<> raise(const drivers::Call&, const std::string& address) override { return done.push_back("raise " + address), drivers::DriverResult<>{}; }
  drivers::DriverResult<> abandon(const drivers::Call&, const std::set<std::string>& kept) override {
    return done.push_back(fmt::format("abandon all but {}", kept.size())), drivers::DriverResult<>{};
  }
  drivers::DriverResult<> fence(const drivers::Call&, const std::string& host) override { return done.push_back("fence " + host), drivers::DriverResult<>{}; }

  bool keeper = true;
  std::vector<std::string> done;

 private:
  Clock& clock_;
  const std::string name_;
  Instant until_;
};

/// A door that knows whether somebody else has the images open.
class Door final : public exports::Door {
 public:
  Result<std::string> choose(const exports::Connector&, std::string_view) const override { return std::string("nbd"); }
  drivers::DriverResult<exports::Connection> ensure(const drivers::Call&, std::string_view, const exports::ExportSpec& spec) override {
    specs.push_back(spec);
    return exports::Connection{"nbd", {}, {}, {}};
  }
  drivers::DriverResult<> remove(const drivers::Call&, const std::string&) override { return {}; }
  drivers::DriverResult<bool> grow(const drivers::Call&, std::string_view, const exports::ExportSpec&) override { return true; }
  drivers::DriverResult<> exclusive(const drivers::Location&) override {
    if (open_elsewhere) return tl::unexpected(DriverError{FailureClass::busy, "open elsewhere"});
    return {};
  }
  std::vector<exports::ExportSpec> specs;
  bool open_elsewhere = false;
};

struct Machine {
  Machine(db::Database& database, Clock& clock, Random& random, operations::Backends& backends, Sealer& sealer, const std::string& name)
      : moving(clock, name),
        services{database, clock, random, backends, &door, &sealer},
        portals(services, moving, {.cluster = "c", .portals = {"10.0.0.1", "10.0.0.2"}, .lease = lease, .fence_after = 0ms},
                [this](const std::string& queue, bool here) { here ? static_cast<void>(queues.insert(queue)) : static_cast<void>(queues.erase(queue)); }) {
    services.places = &portals;
  }
  std::size_t held() const { return portals.serves("10.0.0.1") + portals.serves("10.0.0.2"); }

  FakeMoving moving;
  Door door;
  operations::Services services;
  std::set<std::string> queues;
  Portals portals;
};

class MovingExports : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), store::migrations());
    auto backend = std::make_unique<operations::Backend>();
    backend->name = backend->cluster = "c@fake", backend->host = "a@fake";
    const auto array = std::make_shared<drivers::fake::Array>(clock(), random_, drivers::fake::ArrayOptions{.pools = {{.name = "pool"}}});
    backend->driver = drivers::fake::make_fake_driver(array, "a");
    EXPECT_TRUE(backend->driver->create({.deadline = Deadline::in(clock(), 10s)}, {"pool", "volume-v"}, {gib}));
    backends_.add(std::move(backend));
    a_ = std::make_unique<Machine>(database(), clock(), random_, backends_, sealer_, "a");
    b_ = std::make_unique<Machine>(database(), clock(), random_, backends_, sealer_, "b");
  }

  /// Rounds of those machines until something is so.
  bool until(std::vector<Machine*> machines, const std::function<bool()>& so) {
    const Deadline deadline = Deadline::in(clock(), 10s);
    while (!so()) {
      if (deadline.passed(clock())) return false;
      for (Machine* machine : machines) machine->portals.round(), machine->portals.restore();
      clock().sleep(lease / 16);
    }
    return true;
  }

  /// An attached volume, served at that portal.
  void attach(const std::string& place) {
    database().write([&](db::Transaction& tx) {
      store::types::insert(tx, {.id = {"type"}, .name = "__DEFAULT__"});
      Volume volume;
      volume.id = {"v"}, volume.project_id = volume.user_id = "p", volume.type = {"type"}, volume.availability_zone = "nova", volume.size_gib = 1;
      store::volumes::insert(tx, volume);
      tx.run("UPDATE volume SET backend = 'c@fake', pool = 'pool', provider_name = 'volume-v', object_bytes = ?, status = 'in-use' WHERE id = 'v'", {gib});
      Attachment attachment;
      attachment.id = {"attachment"}, attachment.volume_id = {"v"}, attachment.project_id = attachment.user_id = "p", attachment.attach_status = "attached";
      ConnectorShape connector;
      connector.host = "client";
      ConnectionShape connection;
      connection.protocol = connection.type = "nbd", connection.data = R"({"port":11000})";
      attachment.connector = connector.to_json(), attachment.connection = sealer_.seal(connection.to_json(), "attachment:attachment");
      store::attachments::insert(tx, attachment);
      tx.run("INSERT INTO export_place (volume_id, place) VALUES ('v', ?)", {place});
    });
  }

  SystemRandom random_;
  operations::testing::PlainSealer sealer_;
  operations::Backends backends_;
  std::unique_ptr<Machine> a_, b_;
};
SCORIA_EVERY_ENGINE(MovingExports);

TEST_P(MovingExports, portals_are_shared_out_and_each_has_one_holder) {
  ASSERT_TRUE(until({a_.get(), b_.get()}, [&] { return a_->held() == 1 && b_->held() == 1; }));
  EXPECT_NE(a_->portals.serves("10.0.0.1"), b_->portals.serves("10.0.0.1"));
  EXPECT_NE(a_->queues.contains("exports/10.0.0.1"), b_->queues.contains("exports/10.0.0.1"));
}

TEST_P(MovingExports, what_a_dead_machine_served_is_served_by_another_at_the_same_address_and_port) {
  ASSERT_TRUE(until({a_.get()}, [&] { return a_->held() == 2; }));
  attach("10.0.0.1");
  ASSERT_TRUE(until({b_.get()}, [&] { return b_->held() == 2 && !b_->door.specs.empty(); }));
  EXPECT_FALSE(a_->portals.serves("10.0.0.1")) << "its leash is shorter than its lease";
  EXPECT_EQ(b_->door.specs.front().portal, "10.0.0.1");
  EXPECT_EQ(b_->door.specs.front().port, 11000);
  const auto raised = std::find(b_->moving.done.begin(), b_->moving.done.end(), "raise 10.0.0.1");
  EXPECT_NE(raised, b_->moving.done.end());
}

TEST_P(MovingExports, a_machine_that_was_declared_dead_drops_what_it_served_before_it_has_a_lease_again) {
  ASSERT_TRUE(until({a_.get()}, [&] { return a_->held() == 2; }));
  ASSERT_TRUE(until({b_.get()}, [&] { return b_->held() == 2; }));
  a_->moving.done.clear();
  for (int i = 0; i < 2; ++i) a_->portals.round();
  ASSERT_GE(a_->moving.done.size(), 2U);
  EXPECT_EQ(a_->moving.done[0], "abandon all but 0");
  EXPECT_EQ(a_->moving.done[1], "leash");
  EXPECT_EQ(a_->held(), 0U);
}

TEST_P(MovingExports, a_volume_that_somebody_else_has_open_waits_and_its_machine_is_fenced) {
  ASSERT_TRUE(until({a_.get()}, [&] { return a_->held() == 2; }));
  attach("10.0.0.2");
  b_->door.open_elsewhere = true;
  const auto fenced = [&] { return std::find(b_->moving.done.begin(), b_->moving.done.end(), "fence a") != b_->moving.done.end(); };
  ASSERT_TRUE(until({b_.get()}, fenced));
  EXPECT_TRUE(b_->door.specs.empty());
  b_->door.open_elsewhere = false;
  EXPECT_TRUE(until({b_.get()}, [&] { return !b_->door.specs.empty(); }));
}

TEST_P(MovingExports, a_machine_without_a_keeper_serves_nothing_that_moves) {
  a_->moving.keeper = false;
  for (int i = 0; i < 6; ++i) a_->portals.round(), a_->portals.restore();
  EXPECT_EQ(a_->held(), 0U);
  EXPECT_TRUE(a_->queues.empty());
}

TEST_P(MovingExports, a_machine_that_has_a_lease_and_cannot_serve_keeps_no_portal_from_the_others) {
  b_->moving.keeper = false;
  EXPECT_TRUE(until({b_.get(), a_.get()}, [&] { return a_->held() == 2; }));
  EXPECT_EQ(b_->held(), 0U);
}

TEST_P(MovingExports, who_was_late_itself_declares_nobody_dead) {
  ASSERT_TRUE(until({a_.get()}, [&] { return a_->held() == 2; }));
  clock().sleep(lease + 50ms);  // the database stood still for everybody
  b_->portals.round();
  b_->portals.round();
  EXPECT_EQ(b_->held(), 0U);
  a_->portals.round();
  EXPECT_EQ(a_->held(), 2U) << "and who comes back keeps what is its";
}

TEST_P(MovingExports, a_volume_that_is_attached_does_not_change_its_place) {
  attach("10.0.0.2");
  const auto place = [&](std::string_view except) {
    return database().read_one([&](db::Transaction& tx) { return portals::place_of(tx, {"v"}, except); });
  };
  EXPECT_TRUE(place({})->used);
  EXPECT_FALSE(place("attachment")->used) << "but for who asks";
}

}  // namespace
}  // namespace scoria::reconcile
