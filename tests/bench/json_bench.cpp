// Reading and writing JSON as the API does: a page of 100 volumes in detail (about 90 kB), and the body of a create.
#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include <string>

#include "json/parse.h"
#include "json/writer.h"

namespace {

using scoria::json::Writer;

void write_volume(Writer& writer, int number) {
  const std::string id = fmt::format("6f2c1d3e-0b57-4a3e-9c6d-{:012}", number);
  const std::string self = "http://controller.example.org:8776/v3/5b2c7a9d3e4f40d9a1b2c3d4e5f60718/volumes/" + id;
  writer.begin_object().field("id", id).field("name", "volume for the database").field("description", "made by the nightly job, keep");
  writer.field("status", "in-use").field("size", 100).field("availability_zone", "nova").field("created_at", "2026-01-31T12:34:56.000000");
  writer.field("updated_at", "2026-01-31T12:35:56.000000").field("volume_type", "standard").field("bootable", "false").field("encrypted", false);
  writer.key("snapshot_id").null().key("source_volid").null().key("consistencygroup_id").null().key("group_id").null();
  writer.field("multiattach", false).key("replication_status").null().field("user_id", "0f4c1d3e0b574a3e9c6d1122334455ff");
  writer.key("migration_status").null().key("cluster_name").null().key("provider_id").null().key("service_uuid").null();
  writer.field("shared_targets", false).field("consumes_quota", true).field("os-vol-tenant-attr:tenant_id", "5b2c7a9d3e4f40d9a1b2c3d4e5f60718");
  writer.key("metadata").begin_object().field("purpose", "database").field("owner", "team \"blue\"").end_object();
  writer.key("links").begin_array().begin_object().field("rel", "self").field("href", self).end_object().end_array();
  writer.key("attachments").begin_array().end_array().end_object();
}

std::string page() {
  Writer writer;
  writer.begin_object().key("volumes").begin_array();
  for (int number = 0; number < 100; ++number) write_volume(writer, number);
  return writer.end_array().end_object().take();
}

constexpr std::string_view create_body =
    R"({"volume": {"size": 10, "name": "data", "description": "made by a test", "availability_zone": null, "volume_type": "standard", )"
    R"("metadata": {"purpose": "database", "owner": "blue"}, "multiattach": false, "snapshot_id": null, "source_volid": null, "imageRef": null}})";

void write_page(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(page());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(page().size()));
}
void parse_page(benchmark::State& state) {
  const std::string text = page();
  for (auto _ : state) benchmark::DoNotOptimize(scoria::json::parse(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
void parse_create(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(scoria::json::parse(create_body));
}
void tree_to_text(benchmark::State& state) {
  const scoria::json::Value value = *scoria::json::parse(page());
  for (auto _ : state) benchmark::DoNotOptimize(scoria::json::to_text(value));
}

BENCHMARK(write_page)->Unit(benchmark::kMicrosecond);
BENCHMARK(parse_page)->Unit(benchmark::kMicrosecond);
BENCHMARK(parse_create)->Unit(benchmark::kMicrosecond);
BENCHMARK(tree_to_text)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
