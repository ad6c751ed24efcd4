#include "cli/grammar.h"

#include <CLI/CLI.hpp>

#include "base/text.h"

namespace scoria::cli {
namespace {

const std::pair<const char*, const char*> nouns[] = {
    {"volume", "disks to attach"},
    {"snapshot", "what volumes held at a moment"},
    {"attachment", "which host uses which volume"},
    {"type", "kinds of storage to choose from"},
    {"operation", "work under way or done"},
    {"message", "what users are told about failures"},
    {"quota", "limits of projects"},
    {"service", "parts of the deployment, as Cinder tells them"},
    {"node", "processes of the deployment: who works, who rests"},
    {"cluster", "backends that several nodes serve"},
    {"pool", "where volumes lie"},
    {"admin", "checks, pools and faults, for who runs the deployment"},
    {"db", "the database that this machine's configuration names"},
    {"config", "the configuration of this machine"},
};

/// Short: what it does, how it is said, what may be added.
class Formatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string out = "usage: " + name;
    for (const CLI::Option* one : app->get_options([](const CLI::Option* option) { return option->get_positional(); }))
      out += one->get_required() ? " " + lower_case(one->get_name(true)) : " [" + lower_case(one->get_name(true)) + "]";
    if (!app->get_subcommands([](const CLI::App*) { return true; }).empty()) out += app->get_require_subcommand_min() > 0 ? " VERB" : "";
    return out + (app->get_options([](const CLI::Option* option) { return option->nonpositional(); }).size() > 1 ? " [options]" : "") + "\n";
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_items_expected_max() > 0 && option->nonpositional() ? " " + option->get_type_name() : "";
  }
};

/// "admin pool" → the group for it, made when it is new.
CLI::App* group_of(CLI::App& app, const std::string& noun) {
  CLI::App* at = &app;
  for (const std::string_view part : split(noun, ' ')) {
    if (part.empty()) break;
    const std::string name(part);
    const auto there = at->get_subcommands([&](const CLI::App* one) { return one->get_name() == name; });
    CLI::App* next = there.empty() ? nullptr : there.front();
    if (next == nullptr) {
      const auto known = std::find_if(std::begin(nouns), std::end(nouns), [&](const auto& one) { return name == one.first; });
      next = at->add_subcommand(name, known == std::end(nouns) || at != &app ? name + "s" : known->second)->require_subcommand(1);
    }
    at = next;
  }
  return at;
}

void add_option(CLI::App& command, const Option& option, Given& given) {
  const std::string name = "--" + option.name;
  if (option.takes == Option::Takes::nothing) {
    command.add_flag_callback(name, [&given, key = option.name] { given.values[key] = {"true"}; }, option.help);
    return;
  }
  CLI::Option* added = command.add_option_function<std::vector<std::string>>(
      name, [&given, key = option.name](const std::vector<std::string>& texts) { given.values[key] = texts; }, option.help);
  added->type_name("TEXT")->expected(1)->allow_extra_args(false);
  option.takes == Option::Takes::many ? added->take_all() : added->take_last();
}

void add_argument(CLI::App& command, const Argument& argument, Given& given) {
  const bool many = argument.name.ends_with("...");
  const std::string key = many ? argument.name.substr(0, argument.name.size() - 3) : argument.name;
  CLI::Option* added =
      many ? command.add_option_function<std::vector<std::string>>(
                 key, [&given, key](const std::vector<std::string>& texts) { given.values[key] = texts; }, argument.help)
           : command.add_option_function<std::string>(key, [&given, key](const std::string& text) { given.values[key] = {text}; }, argument.help);
  added->required(argument.required);
  if (many) added->expected(1, 1000);
}

/// Options that every verb of the client has.
void add_common(CLI::App& command, Given& given) {
  command
      .add_option_function<std::string>(
          "-o,--output", [&given](const std::string& text) { given.values["output"] = {text}; }, "table, json or value (no titles)")
      ->check([](const std::string& text) {
        return text == "table" || text == "json" || text == "value" ? std::string{} : "There is no form '" + text + "'";
      })
      ->type_name("FORM");
  command
      .add_option_function<std::vector<std::string>>(
          "-c,--column", [&given](const std::vector<std::string>& texts) { given.values["column"] = texts; },
          "only these, in this order; again for more")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all()
      ->type_name("NAME");
  command
      .add_option_function<std::string>(
          "--os-cloud", [&given](const std::string& text) { given.values["os-cloud"] = {text}; }, "the cloud of clouds.yaml to talk to")
      ->type_name("NAME");
}

void add_verb(CLI::App& app, const Verb& verb, Parsed& parsed) {
  CLI::App* command = group_of(app, verb.noun)->add_subcommand(verb.name, verb.help);
  for (const Argument& argument : verb.arguments) add_argument(*command, argument, parsed.given);
  for (const Option& option : verb.options) add_option(*command, option, parsed.given);
  if (verb.run != nullptr) add_common(*command, parsed.given);
  command->callback([&parsed, &verb] { parsed.verb = &verb; });
}

void describe(CLI::App& app, const std::vector<Verb>& verbs, Parsed& parsed) {
  const auto formatter = std::make_shared<Formatter>();
  formatter->column_width(26);
  formatter->label("Positionals", "Arguments");
  app.formatter(formatter);
  app.require_subcommand(1);
  app.set_help_flag("-h,--help", "this text");
  const auto add_all = [&](std::string_view noun) {
    for (const Verb& verb : verbs)
      if (verb.noun.substr(0, verb.noun.find(' ')) == noun) add_verb(app, verb, parsed);
  };
  add_all("");
  for (const auto& [noun, help] : nouns) add_all(noun);
}

/// The commands that are there at the first word that is none.
std::vector<std::string> choices(const CLI::App& app, const std::vector<std::string>& words, std::string& wrong) {
  const CLI::App* at = &app;
  for (const std::string& word : words) {
    const auto subcommands = at->get_subcommands([](const CLI::App*) { return true; });
    if (subcommands.empty()) return {};
    const auto next = std::find_if(subcommands.begin(), subcommands.end(), [&](const CLI::App* one) { return one->get_name() == word; });
    if (next == subcommands.end()) {
      if (word.starts_with("-")) return {};
      wrong = word;
      std::vector<std::string> names;
      for (const CLI::App* one : subcommands) names.push_back(one->get_name());
      return names;
    }
    at = *next;
  }
  return {};
}

int complain(const CLI::App& app, const std::vector<std::string>& words, const CLI::ParseError& problem) {
  std::string wrong;
  const std::vector<std::string> names = choices(app, words, wrong);
  if (!names.empty()) {
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string_view near = nearest(wrong, views);
    std::fprintf(stderr, "scoria: There is no '%s' here%s There is %s.\n", wrong.c_str(),
                 near.empty() ? "." : fmt::format("; did you mean '{}'?", near).c_str(), join(names, ", ").c_str());
    return 2;
  }
  std::string path;
  for (const CLI::App* at = &app; !at->get_subcommands().empty(); path += " " + at->get_name()) at = at->get_subcommands().front();
  const bool no_verb = problem.get_name() == "RequiredError" && std::string_view(problem.what()).find("subcommand") != std::string_view::npos;
  std::fprintf(stderr, "scoria: %s. `scoria%s --help` tells more.\n", no_verb ? "This wants a verb" : problem.what(), path.c_str());
  return 2;
}

void append_help(std::string& out, const CLI::App& app, const std::string& name) {
  for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string full = name + " " + one->get_name();
    if (one->get_subcommands([](const CLI::App*) { return true; }).empty())
      out += "\n### " + full + "\n\n```\n" + std::string(trimmed(one->help(name))) + "\n```\n";
    else append_help(out += name == "scoria" ? "\n## " + full + "\n\n" + one->get_description() + "\n" : "", *one, full);
  }
}

}  // namespace

const std::vector<std::string>& Given::all(const std::string& name) const {
  static const std::vector<std::string> none;
  const auto found = values.find(name);
  return found == values.end() ? none : found->second;
}

std::vector<Verb> client_verbs() {
  std::vector<Verb> out;
  for (auto* verbs : {status_verbs, attachment_verbs, volume_verbs, snapshot_verbs, type_verbs, quota_verbs, deployment_verbs,
                      upgrade_verbs, operation_verbs, node_verbs, cluster_verbs})
    for (Verb& verb : verbs()) out.push_back(std::move(verb));
  return out;
}

std::vector<Verb> all_verbs(std::vector<Verb> local) {
  std::vector<Verb> out = std::move(local);
  for (Verb& verb : client_verbs()) {
    const auto both = std::find_if(out.begin(), out.end(), [&](const Verb& one) { return one.noun == verb.noun && one.name == verb.name; });
    if (both == out.end()) {
      out.push_back(std::move(verb));
      continue;
    }
    both->run = verb.run;
    both->local_if_unreachable = verb.local_if_unreachable;
    both->options.insert(both->options.begin(), verb.options.begin(), verb.options.end());
  }
  return out;
}

bool works_locally(const Verb& verb, const Given& given) {
  return verb.local && (verb.run == nullptr || given.has("set") || given.has("config-file") || given.has("config-dir"));
}

Parsed parse(const std::vector<Verb>& verbs, const std::vector<std::string>& words) {
  Parsed parsed;
  CLI::App app("Scoria: block storage. `scoria serve` runs it, everything else asks it.", "scoria");
  describe(app, verbs, parsed);
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& problem) {
    parsed.verb = nullptr;
    const bool asked = problem.get_name() == "CallForHelp" || problem.get_name() == "CallForAllHelp";
    parsed.exit_code = asked || words.empty() ? app.exit(CLI::CallForHelp()) + (asked ? 0 : 2) : complain(app, words, problem);
  }
  return parsed;
}

std::string reference(const std::vector<Verb>& verbs) {
  Parsed parsed;
  CLI::App app("", "scoria");
  describe(app, verbs, parsed);
  std::string out =
      "# The command line\n\n"
      "Generated from the program: `scoria VERB --help` prints the same. A resource is named by its id, its name, or the beginning of\n"
      "its id. Results go to standard output, everything else to standard error; tables are for people, `-o json` is what the\n"
      "service says, `-o value -c id` is for scripts.\n\n"
      "Who you are comes from `clouds.yaml` (`OS_CLIENT_CONFIG_FILE`, the working directory, `~/.config/openstack`, `/etc/openstack`,\n"
      "and the one that Scoria's first start writes) or from the usual variables: `OS_CLOUD`, `OS_AUTH_URL`, `OS_USERNAME`,\n"
      "`OS_PASSWORD`, `OS_PROJECT_NAME`, `OS_TOKEN`, `OS_APPLICATION_CREDENTIAL_ID` and `_SECRET`, `OS_REGION_NAME`, `OS_INTERFACE`,\n"
      "`OS_CACERT`, `OS_INSECURE`. `NO_COLOR` is honoured.\n\n"
      "| exit code | meaning |\n|---|---|\n"
      "| 0 | done |\n"
      "| 1 | failed: the work was tried and did not succeed, or the request is wrong |\n"
      "| 2 | the command line is wrong |\n"
      "| 3 | not found |\n"
      "| 4 | conflict: the state of the resource does not allow it now, or a name means several |\n"
      "| 5 | denied: not logged in, or not allowed |\n"
      "| 6 | quota or capacity |\n"
      "| 7 | still running: the operation that is named goes on |\n"
      "| 8 | the service cannot be reached |\n"
      "| 130 | Ctrl-C: the operation that is named goes on |\n\n"
      "With `-o json` an error is one line of JSON on standard error: `{\"error\": {\"code\", \"exit\", \"message\", \"hint\"}}`.\n";
  append_help(out, app, "scoria");
  return out;
}

}  // namespace scoria::cli
