#include "simulation/config.h"

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
  c.nodes = pick(2, 3, 3, 5);
  c.beacons = coin();
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
  c.obstacles = random.below(4) == 0;
  Requests& r = c.requests;
  for (bool* kind : {&r.copies, &r.clones, &r.keys, &r.deletes, &r.by_force, &r.extends, &r.reverts, &r.snapshots, &r.snapshot_deletes, &r.attachments, &r.cancels})
    *kind = random.below(3) > 0;
  c.chaos_pause = pick(Duration{500ms}, Duration{2s}, Duration{5s});
  Nemeses& n = c.nemeses;
  for (bool* kind : {&n.kills, &n.power_cuts, &n.pauses, &n.drains, &n.rolling_restarts, &n.slow_nodes, &n.clock_stalls, &n.cuts, &n.deaf, &n.array_cuts, &n.beacon_lies,
                     &n.stalls, &n.restarts, &n.read_only, &n.clock_jumps, &n.array_outages, &n.site_changes})
    *kind = coin();
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

}  // namespace scoria::simulation
