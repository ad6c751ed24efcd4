#include <stdexcept>

#include "drivers/conformance/subjects.h"
#include "drivers/lab_array/lab_array.h"
#include "json/parse.h"

namespace scoria::drivers::conformance {
namespace {

/// The truth about the array, and writes that fall between two of its steps, as those of hosts do.
class Array {
 public:
  Array(Clock& clock, std::string url) : clock_(clock), url_(std::move(url)), client_(net::make_http_client(clock, {})) {}

  const std::string& url() const { return url_; }
  void write(const std::string& pool, const std::string& name, std::int64_t offset, std::string bytes) {
    send("PUT", fmt::format("/pools/{}/objects/{}/data?offset={}", pool, name, offset), std::move(bytes));
  }
  std::vector<std::string> names(const std::string& pool) {
    std::vector<std::string> out;
    const json::Value answer = send("GET", "/control/names/" + pool, {});
    for (const json::Value& name : answer["names"].array()) out.push_back(name.string());
    return out;
  }

 private:
  json::Value send(const std::string& method, const std::string& path, std::string body) {
    const auto answer = client_->send({.method = method, .url = url_ + path, .headers = {}, .body = std::move(body)}, Deadline::in(clock_, 30s));
    if (!answer || answer->status != 200) throw std::runtime_error(fmt::format("{} {}: {}", method, path, answer ? answer->body : answer.error().message));
    return *json::parse(answer->body);
  }

  Clock& clock_;
  const std::string url_;
  const std::unique_ptr<net::HttpClient> client_;
};

class OpenVolume final : public OpenObject {
 public:
  OpenVolume(std::shared_ptr<Array> array, std::string pool, std::string name) : array_(std::move(array)), pool_(std::move(pool)), name_(std::move(name)) {}
  void write(std::int64_t block, int value) override {
    array_->write(pool_, name_, block * block_size, std::string(static_cast<std::size_t>(block_size), static_cast<char>(value)));
  }

 private:
  const std::shared_ptr<Array> array_;
  const std::string pool_, name_;
};

class LabArrayIo final : public ObjectIo {
 public:
  LabArrayIo(Clock& clock, std::shared_ptr<Array> array) : array_(std::move(array)), files_(make_file_io(clock)) {}

  void write(const Location& at, const Content& blocks) override { files_->write(at, blocks); }
  Content read(const Location& at, Bytes size) override { return files_->read(at, size); }
  std::unique_ptr<OpenObject> open(const Location& at) override {
    const auto name = at.path.rfind('/'), pool = at.path.rfind('/', name - 1);
    return std::make_unique<OpenVolume>(array_, at.path.substr(pool + 1, name - pool - 1), at.path.substr(name + 1));
  }

 private:
  const std::shared_ptr<Array> array_;
  const std::shared_ptr<ObjectIo> files_;
};

}  // namespace

Subject lab_array_subject(Clock& clock, const Options& options) {
  const auto url = options.find("url");
  if (url == options.end()) throw std::invalid_argument("the driver 'lab_array' needs --option url=http://ADDRESS:PORT");
  const auto array = std::make_shared<Array>(clock, url->second);
  Subject out{.name = "lab_array", .clock = &clock, .io = std::make_shared<LabArrayIo>(clock, array), .failpoints = "driver.lab_array."};
  out.make = [&clock, array] { return lab_array::make_lab_array_driver(clock, net::make_http_client(clock, {}), {.url = array->url(), .node = "kit"}); };
  out.contents = [array](const std::string& pool) { return array->names(pool); };
  return out;
}

}  // namespace scoria::drivers::conformance
