#include "reconcile/flattening.h"

#include <stdlib.h>

#include <filesystem>

#include "db/testing.h"
#include "drivers/file/file.h"
#include "store/migrations.h"

namespace scoria::reconcile {
namespace {

/// Volumes on a real pool whose file system shares no blocks, so that each snapshot adds a layer.
class Flattenings : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    db::testing::EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), store::migrations());
    char pattern[] = "/tmp/scoria-flattening-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    auto backend = std::make_unique<operations::Backend>();
    backend->name = backend->host = "b";
    backend->driver = drivers::file::make_file_driver(clock(), {.pools = {{.name = "p", .directory = folder_}}, .layer_limit = 2, .allow_reflink = false});
    backends_.add(std::move(backend));
    services_ = std::make_unique<operations::Services>(operations::Services{database(), clock(), random_, backends_});
    database().write([](db::Transaction& tx) { tx.run("INSERT INTO backend (name, zone, created_at) VALUES ('b', 'nova', 1)"); });
  }
  void TearDown() override {
    std::filesystem::remove_all(folder_);
    db::testing::EveryEngine::TearDown();
  }
  drivers::Driver& driver() { return *backends_.find("b")->driver; }
  drivers::Call call() { return {.deadline = Deadline::in(clock(), 20s)}; }
  void make(const std::string& name, int snapshots) {
    EXPECT_TRUE(driver().create(call(), {"p", name}, {mib}));
    for (int i = 0; i < snapshots; ++i)
      EXPECT_TRUE(dynamic_cast<drivers::Snapshots&>(driver()).snapshot(call(), {"p", name}, {"p", fmt::format("{}-s{}", name, i)}));
    database().write([&](db::Transaction& tx) {
      tx.run("INSERT INTO backend_object (backend, name, pool, owner_type, owner_id, op, epoch, state, size_bytes, created_at, changed_at) "
             "VALUES ('b', ?, 'p', 'volume', ?, 'o', 1, 'published', ?, 1, 1)", {name, name, mib});
    });
  }
  int layers(const std::string& name) { return driver().probe(call(), {"p", name})->layers; }

  SystemRandom random_;
  std::string folder_;
  operations::Backends backends_;
  std::unique_ptr<operations::Services> services_;
};
SCORIA_EVERY_ENGINE(Flattenings);

TEST_P(Flattenings, long_chains_are_shortened_in_turn_and_short_ones_left_alone) {
  make("volume-1", 2), make("volume-2", 1), make("volume-3", 3);
  Flattening flattening(*services_, {.pause = Duration::zero(), .page = 2});
  operations::Backend& backend = *backends_.find("b");
  EXPECT_TRUE(flattening.turn(backend, [] { return true; })) << "told to stop: nothing is done, the place is kept";
  EXPECT_EQ(layers("volume-1"), 3);
  for (int page = 0; page < 2; ++page) EXPECT_TRUE(flattening.turn(backend, [] { return false; }));
  EXPECT_FALSE(flattening.turn(backend, [] { return false; })) << "the round is over";
  EXPECT_EQ(layers("volume-1"), 1);
  EXPECT_EQ(layers("volume-2"), 2);
  EXPECT_EQ(layers("volume-3"), 1);
}

}  // namespace
}  // namespace scoria::reconcile
