// The request samples of the API reference against the schemas of request bodies: each is accepted, and none is any more
// when one field of it is broken.
#include <fstream>
#include <iterator>

#include "api/body.h"
#include "api/fields.h"
#include "api/routes.h"
#include "base/text.h"
#include "json/parse.h"

namespace scoria::api {
namespace {

struct Sample {
  std::string file;
  const Route* route = nullptr;
  const Schema* schema = nullptr;
  Microversion version;
  json::Value body;
};

std::string content(const std::string& file) {
  std::ifstream in(std::string(SCORIA_SAMPLES) + "/" + file);
  EXPECT_TRUE(in) << file;
  return {std::istreambuf_iterator<char>(in), {}};
}

/// "/v3/{project_id}/volumes/{volume_id}/action?user_id=" with every capture filled in
std::string sample_path(std::string_view path) {
  std::string out;
  for (std::size_t at = 0; at < path.size() && path[at] != '?'; ++at) {
    if (path[at] != '{') {
      out += path[at];
      continue;
    }
    const std::size_t end = path.find('}', at);
    out += path.substr(at, end - at).ends_with("project_id") && out == "/v3/" ? "abc123" : "zz-sample";
    at = end;
  }
  return out;
}

Sample read_sample(std::string_view line, const Routes& routes) {
  const std::vector<std::string_view> cells = split(line, ',');
  Sample out;
  out.file = cells.at(0);
  const std::string& file = out.file;
  const std::string header = fmt::format("volume {}", cells.at(3).empty() ? std::string_view("latest") : cells[3]);
  out.version = negotiate(&header).version.value();
  Result<json::Value> body = json::parse(content(file));
  EXPECT_TRUE(body) << file;
  if (body) out.body = std::move(*body);
  const std::optional<Match> match = routes.find(cells[1], sample_path(cells[2]));
  EXPECT_TRUE(match) << file;
  if (!match) return out;
  const Result<const Route*> route = choose_route(*match->endpoint, out.body);
  EXPECT_TRUE(route) << file;
  if (route) out.route = *route;
  if (route) out.schema = find_schema(**route);
  return out;
}

/// Not requests although their names say so, calls without a schema, and samples that Cinder refuses as well.
bool left_out(std::string_view file) {
  if (file == "group-create-from-src-request.json") return true;  // names both sources, one of them as null
  if (file == "host-attach-request.json") return true;            // lacks the mountpoint that the call requires
  if (file == "user-quotas-update-request.json") return true;     // of a call that never existed
  return file == "group-replication-target.json"  // an answer
         || file == "consistency-group-delete-request.json" || file == "backups/v3.9/backup-update-request.json";  // any body will do
}

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = [] {
    const Routes routes;
    std::vector<Sample> out;
    std::string index = content("index.csv");
    bool heading = true;
    for (const std::string_view line : split(trimmed(index), '\n')) {
      if (!heading && !left_out(line.substr(0, line.find(',')))) out.push_back(read_sample(line, routes));
      heading = false;
    }
    return out;
  }();
  return all;
}

bool accepted(const Sample& sample, const json::Value& body) { return check_body(*sample.schema, sample.version, body).has_value(); }

TEST(Samples, all_requests_of_the_api_reference_are_known_and_accepted) {
  EXPECT_EQ(samples().size(), 106U);
  for (const Sample& sample : samples()) {
    ASSERT_NE(sample.schema, nullptr) << sample.file;
    const Result<> checked = check_body(*sample.schema, sample.version, sample.body);
    EXPECT_TRUE(checked) << sample.file << ": " << checked.error().message;
  }
}

bool active(const SchemaField& field, Microversion version) { return field.since <= version.minor && version.minor <= field.until; }

/// The body with the member at `path` replaced, taken away (no replacement), or added. False when the path is not there.
bool change(json::Value& body, std::string_view path, const std::optional<json::Value>& replacement) {
  if (!body.is_object()) return false;
  const std::size_t dot = path.find('.');
  json::Object members = body.object();
  for (std::size_t at = 0; at < members.size(); ++at) {
    if (members[at].first != path.substr(0, dot)) continue;
    if (dot != std::string_view::npos) {
      if (!change(members[at].second, path.substr(dot + 1), replacement)) return false;
    } else if (replacement) {
      members[at].second = *replacement;
    } else {
      members.erase(members.begin() + static_cast<std::ptrdiff_t>(at));
    }
    body = json::Value(std::move(members));
    return true;
  }
  return false;
}

std::string path_of(const SchemaField& field) {
  return field.parent.empty() ? std::string(field.name) : fmt::format("{}.{}", field.parent, field.name);
}

/// Values of every kind that the field does not take.
std::vector<json::Value> wrong_kinds(unsigned kinds) {
  std::vector<json::Value> out;
  if ((kinds & kind_array) == 0) out.emplace_back(json::Array{json::Value(std::int64_t{1})});
  if ((kinds & kind_object) == 0) out.emplace_back(json::Object{{"a", json::Value(std::string("b"))}});
  if ((kinds & kind_integer) == 0) out.emplace_back(std::int64_t{12});
  if ((kinds & kind_flag) == 0) out.emplace_back(true);
  if ((kinds & kind_text) == 0) out.emplace_back(std::string("text"));
  if ((kinds & kind_null) == 0) out.emplace_back();
  out.emplace_back(1.5);
  return out;
}

TEST(Samples, with_a_field_of_the_wrong_kind_they_are_refused) {
  int broken = 0;
  for (const Sample& sample : samples()) {
    for (const SchemaField& field : sample.schema->fields) {
      if (!active(field, sample.version) || field.kinds == kind_any || field.name == "*" || field.name == "[]") continue;
      for (const json::Value& value : wrong_kinds(field.kinds)) {
        json::Value body = sample.body;
        if (!change(body, path_of(field), value)) continue;
        ++broken;
        EXPECT_FALSE(accepted(sample, body)) << sample.file << ": " << json::to_text(body);
      }
    }
  }
  EXPECT_GT(broken, 1000);
}

TEST(Samples, without_a_required_field_they_are_refused) {
  int broken = 0;
  for (const Sample& sample : samples()) {
    for (const SchemaField& field : sample.schema->fields) {
      json::Value body = sample.body;
      if (!field.required || !active(field, sample.version) || !change(body, path_of(field), std::nullopt)) continue;
      ++broken;
      EXPECT_FALSE(accepted(sample, body)) << sample.file << ": " << json::to_text(body);
    }
  }
  EXPECT_GT(broken, 100);
}

TEST(Samples, with_an_unknown_key_they_are_refused_unless_the_object_is_open) {
  int refused = 0;
  for (const Sample& sample : samples()) {
    for (const SchemaField& field : sample.schema->fields) {
      if (!active(field, sample.version) || (field.kinds & kind_object) == 0 || field.form == Form::any) continue;
      const json::Value* object = sample.body.find(field.name);
      if (!field.parent.empty() || object == nullptr || !object->is_object()) continue;
      json::Object members = object->object();
      members.emplace_back("no/such key!", json::Value(std::int64_t{1}));
      json::Value body = sample.body;
      ASSERT_TRUE(change(body, path_of(field), json::Value(std::move(members))));
      const bool open = field.form == Form::open || field.form == Form::not_empty_open || field.form == Form::quotas;
      EXPECT_EQ(accepted(sample, body), open) << sample.file << ": " << json::to_text(body);
      refused += open ? 0 : 1;
    }
    json::Object members = sample.body.object();
    members.emplace_back("no/such key!", json::Value(std::int64_t{1}));
    EXPECT_FALSE(accepted(sample, json::Value(std::move(members)))) << sample.file;
  }
  EXPECT_GT(refused, 50);
}

}  // namespace
}  // namespace scoria::api
