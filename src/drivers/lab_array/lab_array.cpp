#include "drivers/lab_array/lab_array.h"

#include "base/failpoint.h"
#include "drivers/errors.h"
#include "drivers/names.h"
#include "json/parse.h"
#include "json/writer.h"

namespace scoria::drivers::lab_array {
namespace {

constexpr Bytes unit{mib};

FailureClass class_of(const std::string& name) {
  if (name == "busy") return FailureClass::busy;
  if (name == "no_space") return FailureClass::no_space;
  return name == "transient" ? FailureClass::transient : FailureClass::permanent;
}

std::string path_of(const ObjectRef& object) { return fmt::format("/pools/{}/objects/{}", object.pool, object.name); }

DriverResult<> named(const ObjectRef& object) {
  if (!valid_name(object.name) || !valid_name(object.pool)) return failed(FailureClass::permanent, "'{}' is not a name of an object", object.name);
  return {};
}

DriverResult<> sized(Bytes size) {
  if (size < unit || size.count % unit.count != 0) return failed(FailureClass::permanent, "{} bytes: the array takes multiples of {} bytes", size.count, unit.count);
  return {};
}

}  // namespace

class LabArrayDriver final : public Driver, public Extends, public Snapshots {
 public:
  LabArrayDriver(Clock& clock, std::unique_ptr<net::HttpClient> client, LabArrayOptions options)
      : clock_(clock), client_(std::move(client)), options_(std::move(options)) {}

  std::string vendor() const override { return "Scoria lab array"; }
  Claims claims() const override { return {.refuses_old_generations = true}; }
  DriverResult<> check(const Call& call) override { return without_answer(ask(call, "GET", "/pools")); }
  DriverResult<std::vector<PoolReport>> pools(const Call& call) override;
  DriverResult<Probe> probe(const Call& call, const ObjectRef& object) override;
  DriverResult<> create(const Call& call, const ObjectRef& object, Bytes size) override;
  DriverResult<> remove(const Call& call, const ObjectRef& object) override;
  DriverResult<std::vector<std::string>> list(const Call& call, std::string_view pool, std::string_view after, std::size_t limit) override;
  DriverResult<Location> locate(const Call& call, const ObjectRef& object) override;
  DriverResult<> extend(const Call& call, const ObjectRef& object, Bytes size) override;
  DriverResult<> snapshot(const Call& call, const ObjectRef& source, const ObjectRef& snapshot) override;
  DriverResult<> clone(const Call& call, const ObjectRef& source, const ObjectRef& target, Bytes size) override;

 private:
  static DriverResult<> without_answer(const DriverResult<json::Value>& answer) {
    if (!answer) return failed(answer.error());
    return {};
  }
  /// One call to the array. `unknown` when it may have happened.
  DriverResult<json::Value> ask(const Call& call, const std::string& method, const std::string& path, std::string body = {});
  net::HttpRequest request_of(const Call& call, const std::string& method, const std::string& path, std::string body) const;
  DriverResult<> copy(const Call& call, const ObjectRef& target, std::int64_t token);

  Clock& clock_;
  const std::unique_ptr<net::HttpClient> client_;
  const LabArrayOptions options_;
};

std::unique_ptr<Driver> make_lab_array_driver(Clock& clock, std::unique_ptr<net::HttpClient> client, LabArrayOptions options) {
  return std::make_unique<LabArrayDriver>(clock, std::move(client), std::move(options));
}

net::HttpRequest LabArrayDriver::request_of(const Call& call, const std::string& method, const std::string& path, std::string body) const {
  return {.method = method, .url = options_.url + path,
          .headers = {{"X-Node", options_.node}, {"X-Operation", call.operation}, {"X-Epoch", std::to_string(call.epoch)},
                      {"X-Generation", std::to_string(call.generation)}, {"Content-Type", "application/json"}},
          .body = std::move(body)};
}

DriverResult<json::Value> LabArrayDriver::ask(const Call& call, const std::string& method, const std::string& path, std::string body) {
  return guarded([&]() -> DriverResult<json::Value> {
    if (call.should_stop()) return failed(FailureClass::stopped, "stopped before anything was done");
    if (call.deadline.passed(clock_)) return failed(FailureClass::transient, "the deadline of the call has passed");
    FAILPOINT("driver.lab_array.before");
    const auto answer = client_->send(request_of(call, method, path, std::move(body)), call.deadline.sooner(Deadline::in(clock_, options_.timeout)));
    FAILPOINT("driver.lab_array.after");
    if (!answer) {
      const bool never_asked = answer.error().detail == "connect";
      return failed(never_asked ? FailureClass::transient : FailureClass::unknown, "the array does not answer: {}", answer.error().message);
    }
    const auto said = json::parse(answer->body);
    if (!said) return failed(FailureClass::unknown, "the array's answer is not JSON (status {})", answer->status);
    if (answer->status != 200) return failed(class_of(said->text_or("class")), "{}", said->text_or("message", "the array refuses"));
    return *said;
  });
}

DriverResult<std::vector<PoolReport>> LabArrayDriver::pools(const Call& call) {
  const auto answer = ask(call, "GET", "/pools");
  if (!answer) return failed(answer.error());
  std::vector<PoolReport> out;
  for (const json::Value& pool : (*answer)["pools"].array())
    out.push_back({.name = pool.text_or("name"), .total = Bytes{pool.integer_or("total")}, .free = Bytes{pool.integer_or("free")},
                   .provisioned = Bytes{pool.integer_or("provisioned")}, .allocation_unit = unit, .minimum_size = unit, .thin = true, .online_extend = false,
                   .max_over_subscription_ratio = options_.max_over_subscription_ratio,
                   .reserved_percentage = options_.reserved_percentage, .storage_protocol = options_.storage_protocol});
  return out;
}

DriverResult<Probe> LabArrayDriver::probe(const Call& call, const ObjectRef& object) {
  if (const auto fits = named(object); !fits) return failed(fits.error());
  const auto answer = ask(call, "GET", path_of(object));
  if (!answer) return failed(answer.error());
  const std::string presence = answer->text_or("presence");
  if (presence == "absent") return Probe{};
  return Probe{.presence = presence == "complete" ? Presence::complete : Presence::partial, .size = {answer->integer_or("size")},
               .allocated = {answer->integer_or("allocated")}};
}

DriverResult<> LabArrayDriver::create(const Call& call, const ObjectRef& object, Bytes size) {
  if (auto fits = named(object); !fits) return fits;
  if (auto fits = sized(size); !fits) return fits;
  return without_answer(ask(call, "POST", path_of(object) + "/create", json::Writer{}.begin_object().field("size", size.count).end_object().take()));
}

DriverResult<> LabArrayDriver::remove(const Call& call, const ObjectRef& object) {
  if (auto fits = named(object); !fits) return fits;
  return without_answer(ask(call, "DELETE", path_of(object)));
}

DriverResult<std::vector<std::string>> LabArrayDriver::list(const Call& call, std::string_view pool, std::string_view after, std::size_t limit) {
  const auto answer = ask(call, "GET", fmt::format("/pools/{}/objects?after={}&limit={}", pool, after, limit));
  if (!answer) return failed(answer.error());
  std::vector<std::string> out;
  for (const json::Value& name : (*answer)["names"].array()) out.push_back(name.string());
  return out;
}

DriverResult<Location> LabArrayDriver::locate(const Call& call, const ObjectRef& object) {
  if (const auto fits = named(object); !fits) return failed(fits.error());
  const auto answer = ask(call, "GET", path_of(object));
  if (!answer) return failed(answer.error());
  if (answer->text_or("presence") == "absent") return failed(FailureClass::permanent, "there is no object {}", object.name);
  return Location{.protocol = "file", .path = answer->text_or("path"), .format = "raw"};
}

DriverResult<> LabArrayDriver::extend(const Call& call, const ObjectRef& object, Bytes size) {
  if (auto fits = named(object); !fits) return fits;
  if (auto fits = sized(size); !fits) return fits;
  return without_answer(ask(call, "POST", path_of(object) + "/extend", json::Writer{}.begin_object().field("size", size.count).end_object().take()));
}

DriverResult<> LabArrayDriver::snapshot(const Call& call, const ObjectRef& source, const ObjectRef& snapshot) {
  for (const ObjectRef* one : {&source, &snapshot})
    if (auto fits = named(*one); !fits) return fits;
  json::Writer body;
  body.begin_object().field("source_pool", source.pool).field("source", source.name).end_object();
  return without_answer(ask(call, "POST", path_of(snapshot) + "/snapshot", body.take()));
}

DriverResult<> LabArrayDriver::clone(const Call& call, const ObjectRef& source, const ObjectRef& target, Bytes size) {
  for (const ObjectRef* one : {&source, &target})
    if (auto fits = named(*one); !fits) return fits;
  if (auto fits = sized(size); !fits) return fits;
  json::Writer body;
  body.begin_object().field("source_pool", source.pool).field("source", source.name).field("size", size.count).end_object();
  const auto begun = ask(call, "POST", path_of(target) + "/clone", body.take());
  if (!begun) return failed(begun.error());
  if (begun->flag_or("complete")) return {};
  const std::int64_t token = begun->integer_or("token");
  const DriverResult<> done = guarded([&] { return copy(call, target, token); });
  // Given back for whoever goes on, also when this call was stopped; if that fails the array does it in a while.
  if (!done) {
    Call last = call;
    last.stop = {};
    static_cast<void>(ask(last, "POST", path_of(target) + "/release", json::Writer{}.begin_object().field("token", token).end_object().take()));
  }
  return done;
}

/// The array copies slice by slice, each asked for: who stops asking loses the copy, and its token with it.
DriverResult<> LabArrayDriver::copy(const Call& call, const ObjectRef& target, std::int64_t token) {
  while (true) {
    const auto slice = ask(call, "POST", path_of(target) + "/copy", json::Writer{}.begin_object().field("token", token).end_object().take());
    if (!slice) return failed(slice.error());
    FAILPOINT("driver.lab_array.slice");
    if (call.progress) call.progress({slice->integer_or("done")}, {slice->integer_or("total")});
    if (slice->flag_or("complete")) return {};
  }
}

}  // namespace scoria::drivers::lab_array
