#include "simulation/workload.h"

#include "commands/volumes/create.h"
#include "commands/volumes/delete.h"
#include "engine/start.h"
#include "store/quotas/quotas.h"
#include "store/volumes/volumes.h"

namespace scoria::simulation {

using Answer = Cluster::Answer;

void Workload::client(int number) {
  for (int i = 0; i < cluster_.config.commands; ++i) {
    cluster_.clock.sleep(Duration{static_cast<std::int64_t>(cluster_.baton.random().below(4'000'000))});
    ModelVolume* volume = one_of(number);
    const auto dice = cluster_.baton.random().below(10);
    if (volume == nullptr || dice < 4)
      create(number);
    else if (dice < 8)
      remove(*volume);
    else
      cancel(*volume);
  }
}

/// A volume of this client that is not known to be deleted.
ModelVolume* Workload::one_of(int number) {
  std::vector<ModelVolume*> mine;
  for (Owned& owned : volumes_)
    if (owned.client == number && owned.volume.created != Known::no && owned.volume.deleted != Known::yes) mine.push_back(&owned.volume);
  return mine.empty() ? nullptr : mine[cluster_.baton.random().below(mine.size())];
}

std::string Workload::id_of(const ModelVolume& volume) {
  if (!volume.id.empty()) return volume.id;
  return cluster_.look([&](db::Transaction& tx) {
    const db::Rows rows = tx.query("SELECT id FROM volume WHERE name = ?", {volume.name});
    return rows.empty() ? std::string() : rows.at(0, 0).text();
  });
}

void Workload::create(int number) {
  volumes_.push_back({number, {}});
  ModelVolume& volume = volumes_.back().volume;
  volume.name = fmt::format("v{}", ++names_);
  volume.gib = 1 + static_cast<std::int64_t>(cluster_.baton.random().below(4));
  volume.must_fail = cluster_.config.permanent_failures && cluster_.baton.chance(0.2);
  std::optional<Result<Volume>> result;
  const Answer answer = cluster_.request("create " + volume.name, [&](commands::Services& services, const Context& context) {
    commands::CreateVolumeRequest request;
    request.name = volume.name;
    request.size_gib = volume.gib;
    result = commands::create_volume(services, context, request);
    if (*result && volume.must_fail) cluster_.array->always_fails.insert((*result)->id.text);
  });
  if (answer == Answer::unknown) {
    volume.created = Known::perhaps;
  } else if (*result) {
    volume.created = Known::yes;
    volume.id = (*result)->id.text;
    ++cluster_.counters.accepted;
  } else if (result->error().code != RefusalCode::over_quota) {
    cluster_.fail(fmt::format("model: create of {} was refused: {}", volume.name, result->error().message));
  }
}

void Workload::remove(ModelVolume& volume) {
  std::optional<Result<>> result;
  const Answer answer = cluster_.request("delete " + volume.name, [&](commands::Services& services, const Context& context) {
    const std::string id = id_of(volume);
    const auto row = services.database.read([&](db::Transaction& tx) { return store::volumes::find(tx, {id}); });
    if (row) result = commands::delete_volume(services, context, *row, {});
  });
  if (answer == Answer::unknown) volume.deleted = std::max(volume.deleted, Known::perhaps);
  if (answer != Answer::done || !result || !*result) return;
  volume.deleted = Known::yes;
  ++cluster_.counters.accepted;
}

void Workload::cancel(ModelVolume& volume) {
  std::optional<Result<>> result;
  const Answer answer = cluster_.request("cancel " + volume.name, [&](commands::Services& services, const Context&) {
    const std::string id = id_of(volume);
    const std::string operation = services.database.read([&](db::Transaction& tx) {
      const db::Rows rows = tx.query("SELECT id FROM operation WHERE resource_id = ? AND kind = 'volume.create'", {id});
      return rows.empty() ? std::string() : rows.at(0, 0).text();
    });
    if (!operation.empty()) result = engine::request_cancel(services.database, services.kinds, operation);
  });
  if (answer == Answer::unknown) volume.cancelled = std::max(volume.cancelled, Known::perhaps);
  if (answer == Answer::done && result && *result) volume.cancelled = Known::yes;
}

void Workload::compare() {
  for (const Owned& owned : volumes_) compare(owned.volume);
  compare_quota();
  cluster_.counters.operations = static_cast<std::uint64_t>(
      cluster_.look([](db::Transaction& tx) { return tx.query("SELECT count(*) FROM operation").at(0, 0).integer(); }));
}

void Workload::compare(const ModelVolume& volume) {
  struct Seen {
    std::string status;
    std::int64_t gib;
  };
  const auto seen = cluster_.look([&](db::Transaction& tx) -> std::optional<Seen> {
    const db::Rows rows = tx.query("SELECT status, size_gib FROM volume WHERE name = ?", {volume.name});
    if (rows.size() > 1) cluster_.fail("model: there are two volumes " + volume.name);
    if (rows.empty()) return std::nullopt;
    return Seen{rows.at(0, 0).text(), rows.at(0, 1).integer()};
  });
  const bool may_be_gone = volume.created != Known::yes || volume.deleted != Known::no || volume.cancelled != Known::no;
  if (!seen) {
    if (!may_be_gone) cluster_.fail(fmt::format("model: {} was accepted, and is gone", volume.name));
    return;
  }
  if (volume.created == Known::no) return cluster_.fail(fmt::format("model: {} was refused, and exists", volume.name));
  if (volume.deleted == Known::yes) return cluster_.fail(fmt::format("model: {} was deleted, and is {}", volume.name, seen->status));
  if (seen->gib != volume.gib) cluster_.fail(fmt::format("model: {} has {} GiB, {} were asked for", volume.name, seen->gib, volume.gib));
  const bool may_fail = volume.must_fail || cluster_.config.pool_gib < 100;
  if (seen->status == "available") {
    if (volume.cancelled == Known::yes) cluster_.fail(fmt::format("model: the create of {} was cancelled, and published", volume.name));
    if (volume.must_fail && volume.created == Known::yes) cluster_.fail(fmt::format("model: {} is available, though the array refused it", volume.name));
  } else if (seen->status != "error" || !may_fail) {
    cluster_.fail(fmt::format("model: {} ended as {}", volume.name, seen->status));
  }
}

void Workload::compare_quota() {
  const auto differs = cluster_.look([&](db::Transaction& tx) {
    const auto usage = store::quotas::usage(tx, cluster_.tenant.project_id, "");
    const db::Rows rows = tx.query("SELECT count(*), COALESCE(SUM(size_gib), 0) FROM volume");
    return usage.volumes != rows.at(0, 0).integer() || usage.gigabytes != rows.at(0, 1).integer();
  });
  if (differs) cluster_.fail("I1: the quota is not what the volumes take");
}

}  // namespace scoria::simulation
