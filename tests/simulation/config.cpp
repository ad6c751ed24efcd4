#include "simulation/config.h"

#include <fmt/core.h>

#include "base/random.h"

namespace scoria::simulation {

SeedConfig SeedConfig::calm(std::uint64_t seed) {
  SeedConfig out;
  out.seed = seed;
  out.array.latency = 2ms;
  return out;
}

SeedConfig SeedConfig::draw(std::uint64_t seed) {
  SeededRandom random(seed * 0xD1B54A32D192ED03ULL + 7);
  const auto coin = [&] { return random.below(2) == 0; };
  const auto pick = [&](auto... values) {
    const auto index = random.below(sizeof...(values));
    std::uint64_t i = 0;
    std::common_type_t<decltype(values)...> chosen{};
    ((i++ == index ? void(chosen = values) : void()), ...);
    return chosen;
  };
  SeedConfig c;
  c.seed = seed;
  c.lease = pick(2s, 4s, 4s, 8s);
  c.beat = c.lease / 4;
  c.sweep = c.lease / 8;
  c.poll = pick(Duration{250ms}, Duration{1s}, Duration{3s});
  c.slots = pick(1, 2, 4, 8);
  c.bulk_slots = pick(1, 2);
  c.project_limit = pick(0, 0, 1, 4);
  c.pool_gib = pick(4096, 4096, 12);
  c.inventory_page = pick(1UL, 3UL, 100UL);
  c.stickiness = pick(0.0, 0.5, 0.8, 0.95);
  c.clients = pick(1, 3, 6);
  c.commands = 8 + static_cast<int>(random.below(12));
  c.think = pick(Duration{500ms}, Duration{3s}, Duration{6s});
  c.permanent_failures = coin();
  c.chaos_pause = pick(Duration{500ms}, Duration{2s}, Duration{5s});
  c.kill_nodes = coin(), c.pause_nodes = coin(), c.drain_nodes = coin(), c.stall_database = coin(), c.cut_nodes = coin();
  c.failpoint_chance = pick(0.0, 0.002, 0.01);
  c.failpoint_kill = coin(), c.failpoint_pause = coin(), c.failpoint_error = coin(), c.failpoint_drop = coin();
  const double often = pick(0.005, 0.02, 0.08);
  const auto perhaps = [&] { return coin() ? often : 0.0; };
  c.database.refused = perhaps(), c.database.commit_lost = perhaps(), c.database.reply_lost = perhaps();
  c.database.run_again = perhaps(), c.database.slow = perhaps(), c.database.poke_lost = coin() ? 0.5 : 0.0;
  c.array.refused = perhaps(), c.array.reply_lost = perhaps(), c.array.delayed = perhaps(), c.array.hang = perhaps() / 4;
  c.array.slow = perhaps(), c.array.list_partial = perhaps();
  c.array.latency = pick(Duration{2ms}, Duration{100ms}, Duration{2s});
  c.array.block = pick(Duration{100ms}, Duration{1s}, Duration{4s});
  c.array.clones_hang_on_source = coin();
  c.check_every = pick(1, 10, 50, 200);
  c.on_nodes = pick(0.0, 0.5, 1.0);
  c.sections = pick(drivers::Scope::none, drivers::Scope::none, drivers::Scope::volume, drivers::Scope::backend);
  return c;
}

std::string SeedConfig::to_text() const {
  const auto on = [](bool flag, const char* name) { return flag ? fmt::format(" {}", name) : std::string(); };
  const auto rate = [](double chance, const char* name) { return chance > 0 ? fmt::format(" {}={}", name, chance) : std::string(); };
  return fmt::format("lease {} ms, poll {} ms, slots {}+{}, project limit {}, pool {} GiB, stickiness {}, clients {} x {}, chaos every {} ms:", lease.count() / 1000,
                     poll.count() / 1000, slots, bulk_slots, project_limit, pool_gib, stickiness, clients, commands, chaos_pause.count() / 1000) +
         on(kill_nodes, "kill") + on(pause_nodes, "pause") + on(drain_nodes, "drain") + on(stall_database, "stall") + on(cut_nodes, "cut") +
         rate(failpoint_chance, "failpoints") + on(failpoint_kill, "(kill)") + on(failpoint_pause, "(pause)") + on(failpoint_error, "(error)") +
         on(failpoint_drop, "(drop)") + rate(database.refused, "db.refused") + rate(database.commit_lost, "db.commit_lost") +
         rate(database.reply_lost, "db.reply_lost") + rate(database.run_again, "db.run_again") + rate(database.slow, "db.slow") +
         rate(database.poke_lost, "poke_lost") + rate(on_nodes, "on_nodes") + rate(array.refused, "array.refused") + rate(array.reply_lost, "array.reply_lost") +
         rate(array.delayed, "array.delayed") + rate(array.hang, "array.hang") + rate(array.slow, "array.slow") +
         on(sections == drivers::Scope::volume, "volume_sections") + on(sections == drivers::Scope::backend, "backend_sections") +
         on(permanent_failures, "permanent_failures") + on(array.clones_hang_on_source, "native_clones");
}

}  // namespace scoria::simulation
