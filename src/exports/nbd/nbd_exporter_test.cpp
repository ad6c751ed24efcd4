#include "exports/nbd/nbd_exporter.h"

#include <signal.h>
#include <stdio.h>

#include <algorithm>
#include <filesystem>

#include "exports/nbd/qmp.h"
#include "exports/testing.h"

namespace scoria::exports {
namespace {

class Nbd : public ExportsTest {
 protected:
  Nbd() { start(); }

  std::string ensure(const ExportSpec& wanted) {
    const auto made = exports->ensure(call(), "nbd", wanted);
    EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
    return made ? text(*made, "uri") : std::string();
  }

  std::optional<os::Process> daemon(const std::string& volume) {
    auto qmp = Qmp::connect(clock, options.state_directory + "/" + StorageDaemons::folder(volume) + "/qmp", Deadline::in(clock, 5s));
    return qmp && *qmp ? (*qmp)->daemon() : std::nullopt;
  }

  /// The numbers under which a volume's daemon has a file open.
  std::vector<std::string> descriptors_of(const std::string& file, const std::string& volume) {
    const std::optional<os::Process> process = daemon(volume);
    const std::string open_files = fmt::format("/proc/{}/fd", process ? process->pid : 0);
    std::vector<std::string> out;
    for (const std::string& number : os::names_in(os::open_directory(open_files))) {
      std::error_code gone;
      if (std::filesystem::read_symlink(fmt::format("{}/{}", open_files, number), gone) == file) out.push_back(number);
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  /// Another program that has the image.
  os::Process hold(const std::string& image) {
    const std::string node = R"({"driver":"file","node-name":"f","filename":")" + image + R"(","locking":"on"})";
    const os::Process holder = os::start_daemon({.arguments = {"qemu-storage-daemon", "--blockdev", node, "--nbd-server", "addr.type=unix,addr.path=" + folder + "/x",
                                                               "--export", "nbd,id=e,node-name=f,name=f,writable=on"}}, "");
    const os::Fd file = os::open_file(image, O_RDONLY);
    for (int i = 0; i < 1000 && !os::locked_by_others(file); ++i) clock.sleep(2ms);
    return holder;
  }

  void kill_daemon(const std::string& volume) {
    const std::optional<os::Process> process = daemon(volume);
    ASSERT_TRUE(process.has_value());
    ASSERT_TRUE(os::send_signal(*process, SIGKILL));
    ASSERT_TRUE(os::wait_gone(clock, *process, Deadline::in(clock, 5s)));
  }
};

TEST_F(Nbd, what_is_written_through_an_export_is_in_the_file_and_discard_frees_it) {
  const auto place = raw("v1");
  const std::string uri = ensure(spec("a1", place, "nbd+unix"));
  EXPECT_TRUE(io(uri, {"write -P 7 1M 64k", "flush", "read -P 7 1M 64k", "write -P 8 8M 1M", "discard 8M 1M"})) << said;
  ASSERT_TRUE(exports->remove(call(), "a1").has_value());
  EXPECT_TRUE(io(place.path, {"read -P 7 1M 64k", "read -P 0 8M 1M"})) << said;
}

TEST_F(Nbd, making_it_again_answers_the_same_and_keeps_the_daemon) {
  const ExportSpec wanted = spec("a1", raw("v1"), "nbd");
  const std::string uri = ensure(wanted);
  const auto process = daemon("vol-v1");
  EXPECT_EQ(ensure(wanted), uri);
  EXPECT_EQ(daemon("vol-v1"), process);
}

TEST_F(Nbd, removing_the_last_export_ends_the_daemon_and_twice_is_no_error) {
  const std::string uri = ensure(spec("a1", raw("v1"), "nbd+unix"));
  const auto process = daemon("vol-v1");
  ASSERT_TRUE(process.has_value());
  EXPECT_TRUE(exports->remove(call(), "a1").has_value());
  EXPECT_FALSE(os::alive(*process));
  EXPECT_FALSE(io(uri, {"read 0 4k"}));
  EXPECT_TRUE(exports->remove(call(), "a1").has_value());
  EXPECT_TRUE(exports->list(call())->empty());
}

TEST_F(Nbd, a_removed_name_never_comes_back) {
  const ExportSpec wanted = spec("a1", raw("v1"), "nbd+unix");
  ensure(wanted);
  ASSERT_TRUE(exports->remove(call(), "a1").has_value());
  const auto again = exports->ensure(call(), "nbd", wanted);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().kind, drivers::FailureClass::permanent);
}

TEST_F(Nbd, a_file_that_a_merge_has_moved_is_looked_for_again) {
  ExportSpec wanted = spec("a1", raw("v1"), "nbd+unix");
  const std::string place = wanted.location.path, aside = place + ".aside";
  ASSERT_EQ(::rename(place.c_str(), aside.c_str()), 0);
  const auto missed = exports->ensure(call(), "nbd", wanted);
  ASSERT_FALSE(missed.has_value());
  EXPECT_EQ(missed.error().kind, drivers::FailureClass::transient);
  wanted.location.path = aside;
  EXPECT_TRUE(exports->ensure(call(), "nbd", wanted).has_value());
}

TEST_F(Nbd, two_attachments_share_a_daemon_and_one_goes_without_the_other) {
  const auto place = raw("v1");
  const std::string one = ensure(spec("a1", place, "nbd+unix"));
  const std::string two = ensure(spec("a2", place, "nbd+unix"));
  const auto process = daemon("vol-v1");
  EXPECT_TRUE(io(one, {"write -P 3 0 4k"})) << said;
  EXPECT_TRUE(io(two, {"read -P 3 0 4k"})) << said;
  ASSERT_TRUE(exports->remove(call(), "a1").has_value());
  EXPECT_FALSE(io(one, {"read 0 4k"}));
  EXPECT_TRUE(io(two, {"read -P 3 0 4k", "write -P 4 0 4k"})) << said;
  EXPECT_EQ(daemon("vol-v1"), process);
}

TEST_F(Nbd, a_read_only_export_refuses_writes) {
  ExportSpec wanted = spec("a1", raw("v1"), "nbd+unix");
  wanted.read_only = true;
  const std::string uri = ensure(wanted);
  EXPECT_TRUE(io(uri, {"read 0 4k"}, true)) << said;
  EXPECT_FALSE(io(uri, {"write -P 9 0 4k"}));
  EXPECT_TRUE(io(wanted.location.path, {"read -P 0 0 4k"})) << said;
}

TEST_F(Nbd, a_killed_daemon_is_back_with_the_same_sockets) {
  const std::string uri = ensure(spec("a1", raw("v1"), "nbd"));
  ASSERT_TRUE(io(uri, {"write -P 5 0 4k"})) << said;
  kill_daemon("vol-v1");
  const Instant killed = clock.now();
  EXPECT_TRUE(io(uri, {"read -P 5 0 4k"})) << said;  // waits in the listening socket's queue
  EXPECT_LT(clock.now() - killed, 10s);
}

// Each found the image locked, the second after it had put its own socket in the place of the first one's; then the first came again.
TEST_F(Nbd, of_two_processes_that_try_in_turn_the_socket_at_the_path_is_the_one_that_is_served) {
  const ExportSpec wanted = spec("a1", raw("v1"), "nbd+unix");
  Exports other(clock, options);
  ASSERT_TRUE(other.start().has_value());
  const os::Process holder = hold(wanted.location.path);
  for (Exports* one : {exports.get(), &other}) EXPECT_EQ(one->ensure(call(200ms), "nbd", wanted).error().kind, drivers::FailureClass::busy);
  os::send_signal(holder, SIGKILL);
  ASSERT_TRUE(os::wait_gone(clock, holder, Deadline::in(clock, 5s)));
  EXPECT_TRUE(io(ensure(wanted), {"write -P 1 0 4k"})) << said;
  other.stop();
}

TEST_F(Nbd, a_successor_takes_over_the_running_daemon_and_supervises_it) {
  const std::string uri = ensure(spec("a1", raw("v1"), "nbd+unix"));
  const auto process = daemon("vol-v1");
  restart();
  EXPECT_EQ(daemon("vol-v1"), process);
  EXPECT_EQ(exports->list(call())->size(), 1u);
  clock.sleep(50ms);  // the successor's first look
  kill_daemon("vol-v1");
  EXPECT_TRUE(io(uri, {"read 0 4k"})) << said;
}

TEST_F(Nbd, a_lost_state_directory_is_made_again_from_the_specification) {
  const ExportSpec wanted = spec("a1", raw("v1"), "nbd");
  const std::string uri = ensure(wanted);
  exports->stop();
  exports.reset();
  os::remove_tree(os::open_directory(folder), "s");
  start();
  EXPECT_EQ(ensure(wanted), uri);
  EXPECT_TRUE(io(uri, {"read 0 4k"})) << said;
}

TEST_F(Nbd, a_daemon_whose_record_is_lost_is_ended_at_the_next_start) {
  ensure(spec("a1", raw("v1"), "nbd+unix"));
  const auto process = daemon("vol-v1");
  ASSERT_TRUE(process.has_value());
  exports->stop();
  exports.reset();
  os::remove_tree(os::open_directory(folder), "s");
  start();
  EXPECT_FALSE(os::alive(*process));
}

TEST_F(Nbd, a_record_that_cannot_be_understood_is_not_taken_for_none) {
  ensure(spec("a1", raw("v1"), "nbd+unix"));
  const std::string path = options.state_directory + "/" + StorageDaemons::folder("vol-v1") + "/record", good = os::read_file(path);
  os::write_file_atomically(path, R"({"version":99})");
  EXPECT_FALSE(exports->remove(call(1s), "a1").has_value());
  os::write_file_atomically(path, good);
  EXPECT_TRUE(exports->remove(call(), "a1").has_value());
}

TEST_F(Nbd, limits_change_while_it_serves) {
  ensure(spec("a1", raw("v1"), "nbd+unix"));
  ASSERT_TRUE(exports->throttle(call(), "nbd", "a1", {.write_iops = 100}).has_value());
  auto qmp = Qmp::connect(clock, options.state_directory + "/" + StorageDaemons::folder("vol-v1") + "/qmp", Deadline::in(clock, 5s));
  ASSERT_TRUE(qmp && *qmp);
  const auto limits = (*qmp)->execute("qom-get", R"({"path":"/objects/group1","property":"limits"})", Deadline::in(clock, 5s));
  ASSERT_TRUE(limits.has_value());
  EXPECT_EQ(limits->integer_or("iops-write"), 100);
  qmp->reset();
  EXPECT_FALSE(exports->throttle(call(), "nbd", "a1", {.total_iops = 50, .read_iops = 5}).has_value());
  EXPECT_FALSE(exports->throttle(call(), "nbd", "nobody", {}).has_value());
}

TEST_F(Nbd, a_qcow2_in_use_grows_through_its_daemon) {
  const auto place = qcow2("q1", "16M");
  const std::string uri = ensure(spec("a1", place, "nbd+unix"));
  const auto resized = exports->resize(call(), place, {64 * mib});
  ASSERT_TRUE(resized.has_value()) << resized.error().message;
  EXPECT_TRUE(*resized);
  EXPECT_TRUE(io(uri, {"write -P 1 60M 64k"})) << said;
}

TEST_F(Nbd, a_redirected_volume_writes_to_its_overlay_only) {
  auto base = raw("v1");
  base.write_through = true;
  const std::string uri = ensure(spec("a1", base, "nbd+unix"));
  ASSERT_TRUE(io(uri, {"write -P 1 0 64k"})) << said;
  const auto overlay = qcow2("v1.1", base.path, true);
  const auto moved = exports->redirect(call(), base, overlay);
  ASSERT_TRUE(moved.has_value()) << moved.error().message;
  EXPECT_TRUE(*moved);
  EXPECT_TRUE(io(uri, {"read -P 1 0 64k", "write -P 2 0 64k", "read -P 2 0 64k"})) << said;
  EXPECT_TRUE(io(base.path, {"read -P 1 0 64k"}, true)) << said;
  EXPECT_EQ(exports->redirect(call(), base, overlay).value_or(false), true);
  kill_daemon("vol-v1");
  EXPECT_TRUE(io(uri, {"read -P 2 0 64k"})) << said;
}

TEST_F(Nbd, a_volume_whose_clients_do_not_write_through_stays_where_it_is) {
  const auto base = raw("v1");
  const std::string uri = ensure(spec("a1", base, "nbd+unix"));
  const auto moved = exports->redirect(call(), base, qcow2("v1.1", base.path, true));
  ASSERT_FALSE(moved.has_value());
  EXPECT_EQ(moved.error().kind, drivers::FailureClass::busy);
  EXPECT_TRUE(io(uri, {"write -P 1 0 64k"})) << said;
  EXPECT_TRUE(io(base.path, {"read -P 1 0 64k"}, true)) << said;
}

TEST_F(Nbd, nobody_serves_it_is_said_to_the_driver) {
  const auto base = raw("v1");
  EXPECT_EQ(exports->redirect(call(), base, qcow2("v1.1", base.path, true)).value_or(true), false);
  EXPECT_EQ(exports->resize(call(), base, {32 * mib}).value_or(true), false);
}

TEST_F(Nbd, a_volume_gets_another_base_of_the_same_bytes_and_lets_go_of_the_old) {
  const auto base = raw("v1");
  ASSERT_TRUE(io(base.path, {"write -P 1 0 1M"})) << said;
  const auto middle = qcow2("v1.1", base.path, true);
  const std::string uri = ensure(spec("a1", middle, "nbd+unix"));
  ASSERT_TRUE(io(uri, {"write -P 2 1M 1M"})) << said;
  const std::string head = folder + "/v1.2";
  ASSERT_TRUE(os::run(clock, {.arguments = {"qemu-img", "create", "-q", "-f", "qcow2", "-b", middle.path, "-F", "qcow2", head, "16M"}}, Deadline::in(clock, 20s)).ok());
  const drivers::Location at{.protocol = "file", .path = head, .format = "qcow2", .write_through = true};
  ASSERT_EQ(exports->redirect(call(), middle, at).value_or(false), true);
  ASSERT_TRUE(io(uri, {"write -P 3 2M 1M"})) << said;
  ASSERT_TRUE(os::run(clock, {.arguments = {"qemu-img", "convert", "-U", "-O", "qcow2", middle.path, folder + "/merged"}}, Deadline::in(clock, 20s)).ok());
  ASSERT_EQ(::rename((folder + "/merged").c_str(), middle.path.c_str()), 0);
  EXPECT_TRUE(exports->serves(at));
  const std::vector<std::string> before = descriptors_of(at.path, "vol-v1.1");
  ASSERT_EQ(before.size(), 1U);
  ASSERT_TRUE(exports->rebase(call(), at, middle)) << "once";
  ExportSpec second = spec("a2", at, "nbd+unix");
  second.volume_id = "vol-v1.1";
  ASSERT_TRUE(exports->ensure(call(), "nbd", second)) << "QEMU looks at who may do what with the file once more";
  EXPECT_EQ(descriptors_of(at.path, "vol-v1.1"), before) << "a file that is opened anew is closed under requests that need it";
  ASSERT_TRUE(exports->remove(call(), "a2"));
  ASSERT_TRUE(exports->rebase(call(), at, middle)) << "again";
  EXPECT_FALSE(os::open_elsewhere(base.path)) << "its space could not be given back";
  EXPECT_TRUE(io(uri, {"read -P 1 0 1M", "read -P 2 1M 1M", "read -P 3 2M 1M", "write -P 4 0 64k"})) << said;
  ASSERT_TRUE(exports->remove(call(), "a1").has_value());
  EXPECT_FALSE(exports->serves(at));
  EXPECT_TRUE(exports->rebase(call(), at, middle)) << "nobody has it open";
}

TEST_F(Nbd, mixed_transports_of_one_volume_are_refused) {
  const auto place = raw("v1");
  ensure(spec("a1", place, "nbd+unix"));
  const auto other = exports->ensure(call(), "nbd", spec("a2", place, "nbd"));
  ASSERT_FALSE(other.has_value());
  EXPECT_NE(other.error().message.find("nbd+unix"), std::string::npos);
}

TEST_F(Nbd, an_image_that_another_program_has_is_busy_not_stolen) {
  const auto place = raw("v1");
  const os::Process holder = hold(place.path);
  const auto made = exports->ensure(call(200ms), "nbd", spec("a1", place, "nbd+unix"));
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().kind, drivers::FailureClass::busy);
  EXPECT_TRUE(os::alive(holder));
  os::send_signal(holder, SIGKILL);
  os::wait_gone(clock, holder, Deadline::in(clock, 5s));
}

}  // namespace
}  // namespace scoria::exports
