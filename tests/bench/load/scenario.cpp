#include "scenario.h"

#include <fmt/core.h>

#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

namespace scoria::load {
namespace {

constexpr std::int64_t poll_us = 10'000;

std::string request_to(std::string_view method, const Project& project, std::string_view path, std::string_view body = {}) {
  return fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nOpenStack-API-Version: volume 3.71\r\nX-Auth-Token: {}\r\n{}\r\n{}",
                     method, path, project.token,
                     body.empty() ? "" : fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size()), body);
}

std::string request(std::string_view method, const Project& project, std::string_view path, std::string_view body = {}) {
  return request_to(method, project, fmt::format("/v3/{}{}", project.id, path), body);
}

void require(int status, int wanted, std::string_view body) {
  if (status != wanted) throw std::runtime_error(fmt::format("answer {} where {} was due: {}", status, wanted, body.substr(0, 500)));
}

/// The first text member of that name, wherever it stands.
std::string member(std::string_view body, std::string_view name) {
  const std::string key = fmt::format("\"{}\":\"", name);
  const auto at = body.find(key);
  if (at == std::string_view::npos) throw std::runtime_error(fmt::format("an answer without {}: {}", name, body.substr(0, 500)));
  const auto begin = at + key.size();
  return std::string(body.substr(begin, body.find('"', begin) - begin));
}

/// GET of one volume after another.
class Show final : public Scenario {
 public:
  Show(const Plan& plan, int number) : project_(plan.projects.at(0)), volumes_(plan.volumes), at_(static_cast<std::size_t>(number) * 61) {}
  std::string begin() override { return request("GET", project_, "/volumes/" + volumes_.at(at_++ % volumes_.size())); }
  Next answered(int status, std::string_view body) override {
    require(status, 200, body);
    return {begin(), 0, true};
  }

 private:
  const Project& project_;
  const std::vector<std::string>& volumes_;
  std::size_t at_;
};

/// The first page of 100 volumes in detail.
class List final : public Scenario {
 public:
  explicit List(const Plan& plan) : request_(request("GET", plan.projects.at(0), "/volumes/detail?limit=100")) {}
  std::string begin() override { return request_; }
  Next answered(int status, std::string_view body) override {
    require(status, 200, body);
    if (body.size() < 50'000) throw std::runtime_error("a page of less than 100 volumes");
    return {request_, 0, true};
  }

 private:
  const std::string request_;
};

/// A page of 100 volumes in detail after one of the volumes, never the same target twice: nothing that was kept of a page is of use.
class Pages final : public Scenario {
 public:
  Pages(const Plan& plan, int number) : plan_(plan), number_(number), at_(static_cast<std::size_t>(number) * 61) {}
  std::string begin() override {
    const std::string& marker = plan_.volumes.at(at_++ % plan_.volumes.size());
    // Of a parameter that is repeated the last counts.
    const std::string unlike_before = std::to_string(number_) + std::to_string(at_);
    return request("GET", plan_.projects.at(0), "/volumes/detail?limit=" + unlike_before + "&limit=100&marker=" + marker);
  }
  Next answered(int status, std::string_view body) override {
    require(status, 200, body);
    return {begin(), 0, true};
  }

 private:
  const Plan& plan_;
  const int number_;
  std::size_t at_;
};

constexpr std::string_view new_volume = R"({"volume":{"size":1,"name":"bench","metadata":{"purpose":"benchmark"}}})";

/// POST, then GET every 10 ms until the volume is available.
class Create : public Scenario {
 public:
  explicit Create(const Project& project) : project_(project) {}
  std::string begin() override {
    volume_.clear();
    return request("POST", project_, "/volumes", new_volume);
  }
  Next answered(int status, std::string_view body) override {
    if (volume_.empty()) {
      require(status, 202, body);
      volume_ = member(body, "id");
      return {request("GET", project_, "/volumes/" + volume_), poll_us, false};
    }
    require(status, 200, body);
    const std::string state = member(body, "status");
    if (state == "available") return available();
    if (state != "creating") throw std::runtime_error("a volume that became " + state);
    return {request("GET", project_, "/volumes/" + volume_), poll_us, false};
  }

 protected:
  virtual Next available() { return {begin(), 0, true}; }
  const Project& project_;
  std::string volume_;
};

/// POST, then what the watch of the project tells: the operation succeeds in the commit that makes the volume available.
class CreateWatched final : public Scenario {
 public:
  explicit CreateWatched(const Project& project) : project_(project) {}
  std::string watch() const override { return request_to("GET", project_, "/scoria/v1/watch"); }
  std::string begin() override {
    volume_.clear();
    early_.clear();
    return request("POST", project_, "/volumes", new_volume);
  }
  Next answered(int status, std::string_view body) override {
    require(status, 202, body);
    volume_ = member(body, "id");
    return early_.contains(volume_) ? Next{begin(), 0, true} : Next{};
  }
  std::optional<Next> told(std::string_view line) override {
    const std::string state = member(line, "state");
    if (state == "failed" || state == "cancelled") throw std::runtime_error(fmt::format("a create that {}", state));
    if (state != "succeeded") return std::nullopt;
    const std::string volume = member(line, "resource_id");
    if (volume_.empty()) early_.insert(volume);
    if (volume != volume_) return std::nullopt;
    return Next{begin(), 0, true};
  }

 private:
  const Project& project_;
  std::string volume_;
  std::set<std::string> early_;  // told before the POST was answered
};

/// A volume of its own; then again and again: an attachment with a connector, its completion, its removal.
class Attach final : public Create {
 public:
  Attach(const Project& project, int number) : Create(project), number_(number) {}
  Next answered(int status, std::string_view body) override {
    switch (stage_) {
      case Stage::making: return Create::answered(status, body);
      case Stage::attach:
        require(status, 200, body);
        stage_ = Stage::complete;
        attachment_ = member(body, "id");
        return {request("POST", project_, "/attachments/" + attachment_ + "/action", R"({"os-complete":null})"), 0, false};
      case Stage::complete:
        require(status, 204, body);
        stage_ = Stage::remove;
        return {request("DELETE", project_, "/attachments/" + attachment_), 0, false};
      case Stage::remove:
        require(status, 200, body);
        return {attach(), 0, true};
    }
    return {};
  }

 private:
  enum class Stage { making, attach, complete, remove };
  Next available() override { return {attach(), 0, false}; }
  std::string attach() {
    stage_ = Stage::attach;
    return request("POST", project_, "/attachments",
                   fmt::format(R"({{"attachment":{{"volume_uuid":"{}","instance_uuid":"00000000-0000-4000-8000-{:012}","connector":{{"host":"host-{}",)"
                               R"("ip":"127.0.0.1","initiator":"iqn.2020-01.org.example:host-{}","mountpoint":"/dev/vdb","mode":"rw"}}}}}})",
                               volume_, number_, number_, number_));
  }

  const int number_;
  Stage stage_ = Stage::making;
  std::string attachment_;
};

}  // namespace

Plan read_plan(const std::string& path) {
  std::ifstream file(path);
  Plan plan;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string kind, id, token;
    words >> kind >> id >> token;
    if (kind == "project" && !token.empty()) plan.projects.push_back({id, token});
    else if (kind == "volume" && !id.empty()) plan.volumes.push_back(id);
    else throw std::runtime_error("a line of the plan that means nothing: " + line);
  }
  if (plan.projects.empty()) throw std::runtime_error("a plan without projects: " + path);
  return plan;
}

std::unique_ptr<Scenario> make_scenario(std::string_view name, const Plan& plan, int number, bool one_project) {
  const Project& project = plan.projects[one_project ? 0 : static_cast<std::size_t>(number) % plan.projects.size()];
  if (name == "show") return std::make_unique<Show>(plan, number);
  if (name == "list") return std::make_unique<List>(plan);
  if (name == "pages") return std::make_unique<Pages>(plan, number);
  if (name == "create") return std::make_unique<Create>(project);
  if (name == "watch") return std::make_unique<CreateWatched>(project);
  if (name == "attach") return std::make_unique<Attach>(project, number);
  return nullptr;
}

}  // namespace scoria::load
