#include "observe/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <mutex>
#include <thread>
#include <vector>

#include "observe/log_format.h"

namespace scoria::log {
namespace {

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    ::close(read_end);
    ::close(write_end);
  }
  std::string drain() {
    ::close(std::exchange(write_end, -1));
    std::string out;
    char buffer[4096];
    for (ssize_t count = 0; (count = ::read(read_end, buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<std::size_t>(count));
    return out;
  }
};

class Log : public testing::Test {
 protected:
  void TearDown() override {
    stop();
    set_sink({});
    set_level("", Level::info);
  }
};

TEST_F(Log, json_lines_carry_request_operation_and_resource) {
  Pipe pipe;
  start({.descriptor = pipe.write_end});
  info("engine.claim", {.request = "req-1", .operation = "op-2", .resource = "volume 3"}, "claimed \"{}\"\nat once", 7);
  stop();
  const std::string out = pipe.drain();
  EXPECT_TRUE(out.starts_with("{\"time\":\"20")) << out;
  EXPECT_NE(out.find(R"("level":"INFO","area":"engine.claim","request":"req-1","operation":"op-2","resource":"volume 3",)"
                     R"("text":"claimed \"7\"\nat once"})" "\n"),
            std::string::npos)
      << out;
}

TEST_F(Log, text_cannot_forge_a_line_or_drive_a_terminal) {
  const Line line{{1'769'862'896'123'456}, Level::warning, "http", "req-1", {}, {}, "a\nb\x1b[2J\xff ü"};
  EXPECT_EQ(as_text(line), "2026-01-31T12:34:56.123456Z WARNING http       [req-1] a\\nb\\x1b[2J\xef\xbf\xbd ü\n");
  EXPECT_NE(as_json(line).find("a\\nb\\u001b[2J\xef\xbf\xbd ü\"}"), std::string::npos) << as_json(line);
}

TEST_F(Log, overlong_and_surrogate_utf8_is_replaced) {
  const Line line{{}, Level::info, "x", {}, {}, {}, "\xc0\xaf|\xed\xa0\x80|\xf5\x80\x80\x80|\xe2\x82\xac|\xe2\x82"};
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_NE(as_json(line).find(bad + bad + "|" + bad + bad + bad + "|" + bad + bad + bad + bad + "|\xe2\x82\xac|" + bad + bad + "\""),
            std::string::npos)
      << as_json(line);
}

TEST_F(Log, levels_of_areas_change_at_run_time_by_prefix) {
  std::vector<std::string> seen;
  set_sink([&seen](const Line& line) { seen.push_back(line.area + ":" + line.text); });
  debug("engine.claim", {}, "not yet");
  set_level("engine", Level::debug);
  debug("engine.claim", {}, "now");
  debug("http", {}, "still not");
  set_level("engine.claim", Level::error);
  info("engine.claim", {}, "silenced");
  info("engine.lease", {}, "heard");
  const std::map<std::string, Level> before = levels("engine");
  EXPECT_EQ(before.at("engine"), Level::debug);
  EXPECT_EQ(before.at("engine.claim"), Level::error);
  EXPECT_EQ(before.at("engine.lease"), Level::debug);
  EXPECT_FALSE(before.contains("http"));
  set_level("", Level::warning);
  info("engine.lease", {}, "all quiet");
  EXPECT_EQ(levels("engine.claim").at("engine.claim"), Level::warning);
  EXPECT_EQ(seen, (std::vector<std::string>{"engine.claim:now", "engine.lease:heard"}));
}

TEST_F(Log, a_stuck_reader_never_blocks_callers_and_drops_are_told) {
  Pipe pipe;
  const std::uint64_t before = dropped();
  start({.descriptor = pipe.write_end, .queue_limit = 10});
  const std::string big(1000, 'x');
  for (int i = 0; i < 2000; ++i) info("http", {}, "{}", big);  // 2 MB into a pipe of 64 KiB that nobody reads
  EXPECT_GT(dropped(), before + 1000);
  std::string out;
  std::thread reader([&pipe, &out] {
    char buffer[65536];
    while (out.find("log lines were dropped") == std::string::npos) {
      const ssize_t count = ::read(pipe.read_end, buffer, sizeof buffer);
      if (count <= 0) return;
      out.append(buffer, static_cast<std::size_t>(count));
    }
  });
  reader.join();
  stop();  // before the pipe is closed
  EXPECT_NE(out.find("\"area\":\"log\""), std::string::npos);
}

TEST_F(Log, stop_gives_up_on_a_descriptor_that_takes_nothing) {
  Pipe pipe;
  start({.descriptor = pipe.write_end});
  for (int i = 0; i < 200; ++i) info("http", {}, "{}", std::string(1000, 'x'));
  const std::uint64_t before = dropped();
  stop(std::chrono::milliseconds{50});
  EXPECT_GT(dropped(), before);
}

TEST_F(Log, many_threads_lose_no_line) {
  Pipe pipe;
  std::string out;
  std::thread reader([&pipe, &out] {
    char buffer[65536];
    for (ssize_t count = 0; (count = ::read(pipe.read_end, buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<std::size_t>(count));
  });
  start({.descriptor = pipe.write_end});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 500; ++i) info("test", {}, "<{}.{}>", t, i);
    });
  for (std::thread& thread : threads) thread.join();
  stop();
  ::close(std::exchange(pipe.write_end, -1));
  reader.join();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2000);
  for (int t = 0; t < 4; ++t) EXPECT_NE(out.find("<" + std::to_string(t) + ".499>"), std::string::npos);
}

TEST(LogLevel, names_are_read_in_any_case) {
  EXPECT_EQ(parse_level("debug"), Level::debug);
  EXPECT_EQ(parse_level("Warn"), Level::warning);
  EXPECT_EQ(parse_level("critical"), Level::error);
  EXPECT_EQ(parse_level("loud"), std::nullopt);
}

}  // namespace
}  // namespace scoria::log
