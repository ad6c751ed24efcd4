#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "drivers/conformance/subjects.h"
#include "drivers/errors.h"
#include "drivers/proofs.h"

/// The checks of several nodes can fail: drivers that do well alone and harm each other.
namespace scoria::drivers::conformance {
namespace {

namespace fs = std::filesystem;

enum class Harm { none, tidies_up_others, replaces_names, shrinks_late, removes_and_makes_anew };

/// A directory of plain files that are made in two steps, as somebody would write it who thinks of one process only.
class CarelessDriver final : public Driver, public Extends {
 public:
  CarelessDriver(std::string directory, Harm harm) : directory_(std::move(directory)), harm_(harm) {}
  std::string vendor() const override { return "careless"; }
  DriverResult<> check(const Call&) override {
    if (harm_ == Harm::tidies_up_others)
      for (const fs::directory_entry& entry : fs::directory_iterator(directory_))
        if (entry.path().filename().string().starts_with(".")) ::unlink(entry.path().c_str());
    return {};
  }
  DriverResult<std::vector<PoolReport>> pools(const Call&) override { return std::vector<PoolReport>{{.name = "one"}}; }
  DriverResult<Probe> probe(const Call&, const ObjectRef& object) override {
    struct stat status {};
    if (::stat(path(object).c_str(), &status) != 0) return Probe{};
    return Probe{.presence = Presence::complete, .size = {status.st_size}};
  }
  DriverResult<> create(const Call& call, const ObjectRef& object, Bytes size) override {
    if (const auto there = probe(call, object); there->presence == Presence::complete) return same(there->size, size);
    const std::string draft = directory_ + "/." + object.name + "-" + std::to_string(::getpid());
    ::close(::open(draft.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    FAILPOINT("driver.careless.draft");
    if (::truncate(draft.c_str(), size.count) != 0) return failed(FailureClass::permanent, "the draft is gone");
    if (harm_ == Harm::replaces_names) {
      SystemClock{}.sleep(1ms);
      return ::rename(draft.c_str(), path(object).c_str()) == 0 ? DriverResult<>{} : failed(FailureClass::permanent, "rename");
    }
    const int linked = ::link(draft.c_str(), path(object).c_str()), error = errno;
    ::unlink(draft.c_str());
    if (linked != 0 && error == EEXIST) return same(probe(call, object)->size, size);
    FAILPOINT("driver.careless.linked");
    if (harm_ == Harm::removes_and_makes_anew && ::truncate(path(object).c_str(), 0) == 0) static_cast<void>(::truncate(path(object).c_str(), size.count));
    return {};
  }
  DriverResult<> extend(const Call& call, const ObjectRef& object, Bytes size) override {
    if (probe(call, object)->size >= size) return {};
    FAILPOINT("driver.careless.extend");
    if (harm_ != Harm::shrinks_late && probe(call, object)->size >= size) return {};
    return ::truncate(path(object).c_str(), size.count) == 0 ? DriverResult<>{} : failed(FailureClass::permanent, "truncate");
  }
  DriverResult<> remove(const Call&, const ObjectRef& object) override {
    ::unlink(path(object).c_str());
    return {};
  }
  DriverResult<std::vector<std::string>> list(const Call&, std::string_view, std::string_view after, std::size_t) override {
    std::vector<std::string> out;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_))
      if (const std::string name = entry.path().filename().string(); !name.starts_with(".") && name > after) out.push_back(name);
    std::sort(out.begin(), out.end());
    return out;
  }
  DriverResult<Location> locate(const Call&, const ObjectRef& object) override { return Location{.protocol = "file", .path = path(object), .format = "raw"}; }

 private:
  std::string path(const ObjectRef& object) const { return directory_ + "/" + object.name; }
  static DriverResult<> same(Bytes there, Bytes wanted) {
    if (there == wanted) return {};
    return failed(FailureClass::permanent, "it has another size");
  }
  const std::string directory_;
  const Harm harm_;
};

struct Nodes : ::testing::Test {
  SystemClock clock;
  std::string directory = "/dev/shm/scoria_nodes_XXXXXX";
  void SetUp() override { ASSERT_NE(::mkdtemp(directory.data()), nullptr); }
  void TearDown() override { fs::remove_all(directory); }
  /// The checks of several nodes that failed, in one text.
  std::string failures(Harm harm, std::vector<std::string> only = {}) {
    Subject careless{.name = "careless", .clock = &clock, .io = make_file_io(clock), .failpoints = "driver.careless."};
    careless.make = [this, harm] { return std::make_unique<CarelessDriver>(directory, harm); };
    std::string out;
    for (const CheckResult& result : run(careless, {.only = std::move(only), .nodes = true}))
      if (result.verdict != Verdict::passed) out += result.check + ": " + result.message + "\n";
    return out;
  }
};

TEST_F(Nodes, a_driver_that_minds_others_is_proved) { EXPECT_EQ(failures(Harm::none), ""); }

TEST_F(Nodes, who_tidies_up_what_others_are_at_is_found) {
  EXPECT_NE(failures(Harm::tidies_up_others, {"a_node_that_starts_leaves_others_work_alone"}), "");
}

TEST_F(Nodes, who_replaces_what_another_made_is_found) { EXPECT_NE(failures(Harm::replaces_names, {"one_name_is_made_by_one_node"}), ""); }

TEST_F(Nodes, late_calls_that_shrink_or_empty_are_found) {
  EXPECT_NE(failures(Harm::shrinks_late, {"a_late_call_of_a_paused_node_changes_nothing"}), "");
  EXPECT_NE(failures(Harm::removes_and_makes_anew, {"a_late_call_of_a_paused_node_changes_nothing"}), "");
}

TEST_F(Nodes, a_backend_in_the_memory_of_one_process_cannot_be_proved) {
  const auto results = run(fake_subject(clock, {}), {.nodes = true});
  ASSERT_EQ(results.size(), node_checks().size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].check, node_checks()[i]);
    EXPECT_EQ(results[i].verdict, Verdict::failed);
  }
}

}  // namespace
}  // namespace scoria::drivers::conformance
