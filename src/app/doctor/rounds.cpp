#include "app/doctor/rounds.h"

#include <filesystem>

#include "app/database.h"
#include "base/random.h"
#include "config/options/general.h"
#include "identity/seal.h"
#include "json/parse.h"
#include "observe/log.h"
#include "store/health/health.h"

namespace scoria::app::doctor {
namespace {

struct Seen {
  std::string host;
  Diagnosis what;
};

std::vector<Seen> seen_by(const std::string& host, Diagnoses all) {
  std::vector<Seen> out;
  for (Diagnosis& one : all) out.push_back({host, std::move(one)});
  return out;
}

void add_report(std::vector<Seen>& to, const std::string& host, const std::string& report) {
  const auto read = json::parse(report);
  if (!read || !read->is_array()) return;
  for (const json::Value& one : read->array())
    to.push_back({host, {one.text_or("check"), one.text_or("subject"), one.text_or("text"), one.text_or("fix")}});
}

/// Host by host, then what is everybody's.
std::string answer(const std::vector<Seen>& all, const std::vector<std::string>& hosts) {
  json::Writer out;
  out.begin_object().field("healthy", all.empty()).key("checked").begin_array();
  for (const Check& check : checks()) out.string(check.name);
  out.end_array().key("hosts").begin_array();
  for (const std::string& host : hosts) out.string(host);
  out.end_array().key("diagnoses").begin_array();
  for (const auto& [host, what] : all) {
    out.begin_object().key("host").string_or_null(host).field("check", std::string_view{what.check}).field("subject", std::string_view{what.subject});
    out.field("text", std::string_view{what.text}).field("fix", std::string_view{what.fix}).end_object();
  }
  return out.end_array().end_object().take();
}

void append(std::vector<Seen>& to, std::vector<Seen> more) { std::move(more.begin(), more.end(), std::back_inserter(to)); }

}  // namespace

void Rounds::turn(std::int64_t incarnation) {
  if (patient_.clock.now() < next_) return;
  next_ = patient_.clock.now() + period_;
  const Diagnoses found = examine(patient_, Check::Of::host);
  for (const Diagnosis& one : found) log::warning("doctor", {.resource = one.subject}, "{} {}", one.text, one.fix);
  patient_.database->write([&](db::Transaction& tx) { store::health::publish(tx, incarnation, to_json(found)); });
}

void mount(api::Handlers& handlers, Patient patient, std::string host, const engine::Engine& engine) {
  handlers.mount("scoria.doctor", [patient, host = std::move(host), &engine](api::ApiRequest& request) {
    std::vector<Seen> all = seen_by(host, examine(patient, Check::Of::host));
    std::vector<std::string> hosts{host};
    for (const auto& report : patient.database->read([](db::Transaction& tx) { return store::health::reports(tx); })) {
      if (report.incarnation == engine.incarnation()) continue;
      hosts.push_back(report.host);
      add_report(all, report.host, report.report);
    }
    append(all, seen_by({}, examine(patient, Check::Of::deployment)));
    return request.reply(answer(all, hosts));
  });
}

std::string look_from_here(const config::Config& config, Clock& clock) {
  const auto general = config.read<config::GeneralOptions>();
  SystemRandom random;
  Patient patient{config, clock};
  std::vector<Seen> all;
  std::unique_ptr<db::Database> database;
  try {
    database = open_database(config, clock, random);
    database->read_one([](db::Transaction& tx) { return tx.query("SELECT 1"); });
    patient.database = database.get();
  } catch (const std::exception& failure) {
    all.push_back({general.host, {"database", "database", fmt::format("The database cannot be used: {}.", failure.what()),
                                  "Check that it runs and lets this machine in, and [database] connection. Nothing accepted is lost; work goes on when it is back."}});
  }
  std::unique_ptr<Sealer> sealer;
  const std::string key = general.state_path + "/sealing.key";
  try {
    if (std::filesystem::exists(key)) sealer = open_sealer(key, random);
  } catch (const std::exception& failure) {
    all.push_back({general.host, {"secrets", key, fmt::format("{}.", failure.what()), fmt::format("chmod 0600 {}, or copy it from another node.", key)}});
  }
  patient.sealer = sealer.get();
  append(all, seen_by(general.host, examine(patient, Check::Of::host)));
  append(all, seen_by({}, examine(patient, Check::Of::deployment)));
  return answer(all, {general.host});
}

}  // namespace scoria::app::doctor
