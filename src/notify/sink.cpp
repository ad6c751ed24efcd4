#include "notify/sink.h"

#include <fcntl.h>

#include "json/writer.h"
#include "observe/log.h"
#include "os/files.h"

namespace scoria::notify {
namespace {

class LogSink final : public Sink {
 public:
  Result<> deliver(std::span<const Event> events) override {
    for (const Event& event : events) log::info("event", {.operation = event.operation}, "{} {}", event.topic, event.body);
    return {};
  }
};

class FileSink final : public Sink {
 public:
  explicit FileSink(std::string path) : path_(std::move(path)) {}
  Result<> deliver(std::span<const Event> events) override {
    std::string lines;
    for (const Event& event : events) lines += to_line(event) + '\n';
    const os::Fd file = os::open_file(path_, O_WRONLY | O_CREAT | O_APPEND, 0640);
    os::write_all(file, lines);
    os::sync(file);
    return {};
  }

 private:
  const std::string path_;
};

}  // namespace

std::unique_ptr<Sink> log_sink() { return std::make_unique<LogSink>(); }
std::unique_ptr<Sink> file_sink(std::string path) { return std::make_unique<FileSink>(std::move(path)); }

std::string to_line(const Event& event) {
  json::Writer out;
  out.begin_object().field("id", std::string_view{event.id}).field("topic", std::string_view{event.topic});
  out.field("operation", std::string_view{event.operation}).field("at", std::string_view{to_rfc3339(event.created_at)}).key("body").raw(event.body);
  return out.end_object().take();
}

}  // namespace scoria::notify
