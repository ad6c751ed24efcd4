#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "config/secret.h"

/// How options are declared: once, in the struct that holds them. The member's initialiser is the default; its type is
/// the option's type; the rest is said here. From these declarations come parsing, bounds, help, the sample file, the
/// reference page and the explanation of what won.
///
///   struct ApiOptions {
///     std::uint16_t port = 8776;
///     void declare(config::Fields& fields) {
///       fields.section("DEFAULT");
///       fields.add("osapi_volume_listen_port", &port, "Port the API listens on.").familiar();
///     }
///   };
///   const auto options = config.read<ApiOptions>();
namespace scoria::config {

enum class Kind { boolean, integer, real, text, list, multi, size, duration, port, host, secret };

/// Where a value goes. The pointed-to member holds the default until then.
using Slot = std::variant<bool*, int*, std::int64_t*, std::uint16_t*, double*, std::string*, std::vector<std::string>*, Bytes*, Duration*, Secret*>;

/// The section of options that each backend's own section takes (and [backend_defaults] for all of them).
inline constexpr std::string_view backend = "<backend>";

/// One option: what is known about it, but not its value.
struct Option {
  std::string section;
  std::string name;
  std::string help;
  std::string fallback;  // the default, as it would stand in a file
  Kind kind = Kind::text;
  std::optional<double> least, most;   // sizes in bytes, times in seconds
  double smallest = -9e18, largest = 9e18;  // what the member can hold
  std::vector<std::string> allowed;         // if not empty, nothing else
  std::function<std::string(const std::string&)> problem;  // of a text: empty if it is well
  std::vector<std::string> old_names;                      // "section.name", read as well
  std::string driver;                                      // the volume_driver it belongs to, if to one
  std::string first_version = "0.1";
  bool as_in_cinder = false;  // name and meaning are those of cinder.conf
  bool at_run_time = false;   // a reload applies it; else a restart is needed
  bool is_url = false;        // a secret of which only the password is hidden

  Option& at_least(double bound) { return least = bound, *this; }
  Option& at_most(double bound) { return most = bound, *this; }
  Option& between(double low, double high) { return least = low, most = high, *this; }
  Option& choices(std::initializer_list<std::string_view> names) { return allowed.assign(names.begin(), names.end()), *this; }
  /// `find` gives what is wrong with a text, empty if nothing is.
  Option& checked(std::function<std::string(const std::string&)> find) { return problem = std::move(find), *this; }
  /// A name (`section.name`) under which older files have it.
  Option& also(std::string_view old_name) { return old_names.emplace_back(old_name), *this; }
  Option& since(std::string_view version) { return first_version = version, *this; }
  Option& familiar() { return as_in_cinder = true, *this; }
  Option& live() { return at_run_time = true, *this; }
  /// A host name or IP address.
  Option& host() { return kind = Kind::host, *this; }
  /// A secret that is a URL: shown without its password.
  Option& url() { return is_url = true, *this; }
  /// A list with one value per line: the key is repeated, and commas belong to the value.
  Option& repeated() { return kind = Kind::multi, *this; }
};

/// What one options struct declares.
class Fields {
 public:
  /// The section of the options that follow; `about` heads it in the reference.
  void section(std::string_view name, std::string_view about = {});
  /// The options that follow belong to backends with this volume_driver.
  void driver(std::string_view name) { driver_ = name; }
  /// An option with the type and default of `*slot`. A secret may also be given by the name of a file that holds it:
  /// `<name>_file`. In texts and defaults `$other` and `${section.other}` stand for other options, `$$` for a dollar.
  /// The reference is valid until the next add().
  Option& add(std::string_view name, Slot slot, std::string_view help);

  struct Field {
    Option option;
    Slot slot;
  };
  std::vector<Field>& all() { return fields_; }
  const std::vector<std::pair<std::string, std::string>>& sections() const { return sections_; }
  const std::string& driver() const { return driver_; }

 private:
  std::vector<Field> fields_;
  std::vector<std::pair<std::string, std::string>> sections_;  // name, about
  std::string section_ = "DEFAULT";
  std::string driver_;
};

}  // namespace scoria::config
