#include "config/config.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config/options/api.h"
#include "config/options/backend.h"
#include "config/options/common.h"
#include "config/options/database.h"
#include "config/options/general.h"
#include "config/options/identity.h"

namespace scoria::config {
namespace {

struct DiskOptions {
  std::vector<std::string> directories{"$state_path/disks"};
  int chain = 8;
  void declare(Fields& fields) {
    fields.driver("disk");
    fields.section(backend);
    fields.add("disk_directories", &directories, "Where.").repeated();
    fields.add("disk_chain", &chain, "How long.").between(1, 64).live();
  }
};
struct TapeOptions {
  int drives = 1;
  void declare(Fields& fields) {
    fields.driver("tape");
    fields.section(backend);
    fields.add("tape_drives", &drives, "How many.");
  }
};

Catalogue catalogue() { return common().add<DiskOptions>().add<TapeOptions>(); }

/// A text with the least that a start needs in front: a backend of a driver that exists.
Sources file(const std::string& text) {
  Sources out;
  out.texts.emplace_back("a.conf", text);
  out.presets.push_back({"backend_defaults.volume_driver", "disk", "test"});
  return out;
}

Config loaded(const Sources& sources) {
  auto out = load(catalogue(), sources);
  if (!out) throw std::runtime_error(out.error().message);
  return *out;
}
Config loaded(const std::string& text) { return loaded(file(text)); }

std::string refusal(const Sources& sources) {
  const auto out = load(catalogue(), sources);
  return out ? "nothing is wrong" : out.error().message;
}
std::string refusal(const std::string& text) { return refusal(file(text)); }

std::string notes(const Config& config) {
  std::string out;
  for (const std::string& note : config.notes()) out += note + "\n";
  return out;
}

class Files : public testing::Test {
 protected:
  Files() {
    char name[] = "/tmp/scoria-config-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~Files() override { std::filesystem::remove_all(directory_); }
  std::string put(const std::string& name, const std::string& text) {
    const std::string path = directory_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }
  std::string directory_;
};

TEST(Config, starts_without_any_file) {
  const auto config = load(common(), {});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->backends(), std::vector<std::string>{"file"});
  EXPECT_EQ(config->read<ApiOptions>().port, 8776);
  EXPECT_EQ(config->read<DatabaseOptions>().connection.reveal(), "sqlite:////var/lib/scoria/scoria.sqlite");
  EXPECT_EQ(config->read<BackendOptions>("file").volume_driver, "file");
  EXPECT_TRUE(config->notes().empty());
}

TEST_F(Files, later_sources_win_over_earlier_ones) {
  Sources sources = file("osapi_max_limit = 1\n");
  const auto limit = [&sources] { return loaded(sources).read<ApiOptions>().max_limit; };
  EXPECT_EQ(limit(), 1);
  sources.presets.push_back({"DEFAULT.osapi_max_limit", "9", "test"});
  EXPECT_EQ(limit(), 1);
  sources.files.push_back({put("first.conf", "[DEFAULT]\nosapi_max_limit = 2\n")});
  sources.files.push_back({directory_ + "/absent.conf", false});
  EXPECT_EQ(limit(), 2);
  put("d/20.conf", "osapi_max_limit = 4\n");
  put("d/10.conf", "osapi_max_limit = 3\n");
  put("d/30.conf.off", "osapi_max_limit = 99\n");
  sources.directories.push_back(directory_ + "/d");
  EXPECT_EQ(limit(), 4);
  sources.environment.emplace_back("SCORIA_DEFAULT__OSAPI_MAX_LIMIT", "5");
  EXPECT_EQ(limit(), 5);
  sources.settings.push_back("osapi_max_limit=6");
  EXPECT_EQ(limit(), 6);
}

TEST_F(Files, what_cannot_be_read_is_told_by_name) {
  Sources sources = file("");
  sources.files.push_back({directory_ + "/absent.conf"});
  sources.directories.push_back(directory_ + "/nowhere");
  sources.files.push_back({directory_});
  sources.files.push_back({put("huge.conf", std::string(3 << 20, '#'))});
  ASSERT_EQ(::mkfifo((directory_ + "/fifo").c_str(), 0600), 0);
  sources.files.push_back({directory_ + "/fifo"});  // must not hang
  const std::string text = refusal(sources);
  EXPECT_NE(text.find("/absent.conf: No such file"), std::string::npos) << text;
  EXPECT_NE(text.find("/nowhere: No such file"), std::string::npos) << text;
  EXPECT_NE(text.find(": Is a directory"), std::string::npos) << text;
  EXPECT_NE(text.find("/huge.conf: larger than 1048576 bytes"), std::string::npos) << text;
}

TEST(Config, a_backend_takes_its_section_then_backend_defaults_and_never_default) {
  const Config config = loaded(
      "enabled_backends = one, two\nreserved_percentage = 50\n[backend_defaults]\nreserved_percentage = 10\ntarget_port = 1\n"
      "[one]\nvolume_driver = disk\nreserved_percentage = 20\n");
  EXPECT_EQ(config.read<BackendOptions>("one").reserved_percentage, 20);
  EXPECT_EQ(config.read<BackendOptions>("one").target_port, 1);
  EXPECT_EQ(config.read<BackendOptions>("two").reserved_percentage, 10);
  EXPECT_EQ(notes(config),
            "a.conf:2: [DEFAULT] reserved_percentage has no effect: it is an option of backends; move it to [backend_defaults] for all of them, or to "
            "[one], [two] alone\n");
}

TEST(Config, a_setting_of_the_command_line_for_all_backends_is_weaker_than_a_backends_own_line) {
  Sources sources = file("enabled_backends = one\n[one]\nreserved_percentage = 20\n");
  sources.settings = {"backend_defaults.reserved_percentage=30"};
  EXPECT_EQ(loaded(sources).read<BackendOptions>("one").reserved_percentage, 20);
  sources.settings.push_back("one.reserved_percentage=40");
  EXPECT_EQ(loaded(sources).read<BackendOptions>("one").reserved_percentage, 40);
}

TEST(Config, unknown_keys_are_refused_with_a_suggestion_and_all_at_once) {
  EXPECT_EQ(refusal("osapi_volume_listen_prot = 1\nmax_pool_size = 3\n[databse]\nconnection = x\n[keystone_authtoken]\nzzz = 1\n[nothing like it]\nx=1\n"),
            "a.conf:1: [DEFAULT] has no option 'osapi_volume_listen_prot'; did you mean osapi_volume_listen_port?\n"
            "a.conf:2: [DEFAULT] has no option 'max_pool_size'; it belongs in [database]\n"
            "a.conf:6: [keystone_authtoken] has no option 'zzz'\n"
            "a.conf:4: there is no section [databse]; did you mean [database]?\n"
            "a.conf:8: there is no section [nothing like it]; if it is a backend, name it in [DEFAULT] enabled_backends");
  EXPECT_EQ(refusal("enabled_backends=one\n[one]\nreserved_percentag = 1\n"),
            "a.conf:3: [one] has no option 'reserved_percentag'; did you mean reserved_percentage?");
}

TEST(Config, wrong_values_are_refused_naming_their_place) {
  EXPECT_EQ(refusal("osapi_volume_listen_port = 70000\n"), "a.conf:1: [DEFAULT] osapi_volume_listen_port = 70000 is not a port number");
  EXPECT_EQ(refusal("auth_strategy = none\n"),
            "a.conf:1: [DEFAULT] auth_strategy = none is not one of local, keystone, noauth, noauth_include_project_id");
  EXPECT_EQ(refusal("log_levels = engine=LOUD\n"),
            "a.conf:1: [DEFAULT] log_levels = engine=LOUD holds 'engine=LOUD', which is not area=LEVEL with DEBUG, INFO, WARNING or ERROR");
  EXPECT_NE(refusal("[backend_defaults]\nmax_over_subscription_ratio = 0.5\n").find("= 0.5 is neither auto nor a number of at least 1"), std::string::npos);
}

TEST(Config, a_familiar_file_of_cinder_starts_and_tells_what_has_no_effect) {
  const Config config = loaded(R"([DEFAULT]
transport_url = rabbit://openstack:secret@controller
rpc_backend = rabbit
my_ip = 10.0.0.11
auth_strategy = keystone
enabled_backends = lvm
glance_api_servers = http://controller:9292
state_path = /var/lib/cinder
rootwrap_config = /etc/cinder/rootwrap.conf
volume_name_template = volume-%s
[database]
connection = postgresql+psycopg2://cinder:pw@controller/cinder
max_overflow = 50
[keystone_authtoken]
www_authenticate_uri = http://controller:5000
auth_url = http://controller:5000
memcached_servers = controller:11211
auth_type = password
project_domain_name = default
user_domain_name = default
project_name = service
username = cinder
password = CINDER_PASS
[lvm]
volume_driver = disk
volume_group = cinder-volumes
target_protocol = iscsi
target_helper = lioadm
[oslo_concurrency]
lock_path = /var/lib/cinder/tmp
[oslo_messaging_rabbit]
heartbeat_in_pthread = False
rabbit_quorum_queue = true
)");
  EXPECT_EQ(config.read<KeystoneOptions>().password.reveal(), "CINDER_PASS");
  EXPECT_EQ(config.read<BackendOptions>("lvm").target_ip_address, "10.0.0.11");
  const std::string all = notes(config);
  EXPECT_NE(all.find("a.conf:2: [DEFAULT] transport_url has no effect: there is no message broker"), std::string::npos) << all;
  EXPECT_NE(all.find("[lvm] volume_group has no effect"), std::string::npos) << all;
  EXPECT_NE(all.find("[keystone_authtoken] memcached_servers has no effect"), std::string::npos) << all;
  EXPECT_NE(all.find("section [oslo_concurrency] has no effect: see backend_url of the backends"), std::string::npos) << all;
  EXPECT_EQ(all.find("secret@controller"), std::string::npos) << "a secret in the notes";
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 11) << all;
}

TEST(Config, a_driver_of_another_world_is_one_problem_not_twenty) {
  EXPECT_EQ(refusal("enabled_backends = ceph\n[ceph]\nvolume_driver = cinder.volume.drivers.rbd.RBDDriver\nrbd_pool = volumes\nrbd_frobnicate = 1\n"),
            "a.conf:3: [ceph] volume_driver = cinder.volume.drivers.rbd.RBDDriver: this version has no such driver (it has: disk, tape)");
  const Config config = loaded("enabled_backends = one\n[ceph]\nvolume_driver = cinder.volume.drivers.rbd.RBDDriver\nrbd_frobnicate = 1\n[two]\ntarget_port=5\n");
  EXPECT_NE(notes(config).find("[ceph] volume_driver"), std::string::npos);
  EXPECT_NE(notes(config).find("section [two] is not used: it is not named in [DEFAULT] enabled_backends"), std::string::npos) << notes(config);
}

TEST(Config, an_option_of_another_driver_has_no_effect_and_is_told) {
  const Config config = loaded("enabled_backends = one\n[backend_defaults]\ndisk_chain=9\n[one]\nvolume_driver = tape\ndisk_chain = 3\n");
  EXPECT_EQ(notes(config), "a.conf:6: [one] disk_chain has no effect: it belongs to volume_driver disk, not tape\n");
}

TEST(Config, references_are_substituted) {
  const Config config = loaded(
      "state_path = /srv\nenabled_backends = a-b\nhost = ${my_ip}\nmy_ip=10.0.0.1\npublic_endpoint = http://${my_ip}:$osapi_volume_listen_port/$$x\\$y\n"
      "[a-b]\ntarget_port = 77\ntarget_prefix = iqn.$host:${backend_defaults.target_port}:$target_port:\n");
  EXPECT_EQ(config.read<ApiOptions>().public_endpoint, "http://10.0.0.1:8776/$x$y");
  EXPECT_EQ(config.read<GeneralOptions>().host, "10.0.0.1");
  EXPECT_EQ(config.read<BackendOptions>("a-b").target_prefix, "iqn.10.0.0.1:3260:77:");
  EXPECT_EQ(config.read<DiskOptions>("a-b").directories, std::vector<std::string>{"/srv/disks"});
}

TEST(Config, hostile_references_end_with_a_problem) {
  EXPECT_NE(refusal("host = $host\n").find("refers to itself, or too deeply"), std::string::npos);
  EXPECT_NE(refusal("host = $cluster\ncluster = $my_ip\nmy_ip = ${DEFAULT.host}\n").find("refers to itself, or too deeply"), std::string::npos);
  EXPECT_NE(refusal("host = $nobody\n").find("refers to 'nobody', which is no option; write '$$'"), std::string::npos);
  EXPECT_NE(refusal("cluster = 5$\n").find("has a '$' without a name"), std::string::npos);
  EXPECT_NE(refusal("cluster = ${my_ip\n").find("has a '$' without a name"), std::string::npos);
  std::string bomb = "cluster = " + std::string(1000, 'x') + "\n";
  const char* names[] = {"cluster", "host", "state_path", "my_ip", "default_volume_type", "public_endpoint", "project_id_regex"};
  for (int i = 1; i < 7; ++i) {
    bomb += std::string(names[i]) + " = ";
    for (int k = 0; k < 30; ++k) bomb += std::string("${") + names[i - 1] + "}";
    bomb += "\n";
  }
  const std::string problem = refusal(bomb);
  EXPECT_LT(problem.size(), 20'000u);
  EXPECT_TRUE(problem.find("grows over") != std::string::npos || problem.find("refers to more than") != std::string::npos) << problem;
}

TEST(Config, repeated_keys_are_lists_only_where_declared) {
  Sources sources = file("enabled_backends = one\n[one]\ndisk_directories = /a,b\ndisk_directories = /c\ndisk_chain = 2\ndisk_chain = 3\n");
  EXPECT_EQ(loaded(sources).read<DiskOptions>("one").directories, (std::vector<std::string>{"/a,b", "/c"}));
  EXPECT_EQ(loaded(sources).read<DiskOptions>("one").chain, 3);
  sources.texts.emplace_back("b.conf", "[one]\ndisk_directories = /d\n");
  EXPECT_EQ(loaded(sources).read<DiskOptions>("one").directories, (std::vector<std::string>{"/a,b", "/c", "/d"}));
  sources.settings = {"one.disk_directories=/e", "one.disk_directories=/f"};
  EXPECT_EQ(loaded(sources).read<DiskOptions>("one").directories, (std::vector<std::string>{"/e", "/f"}));
}

TEST(Config, the_environment_names_sections_and_backends_in_capitals) {
  Sources sources = file("enabled_backends = file-1.a\n");
  sources.environment = {{"SCORIA_KEYSTONE_AUTHTOKEN__USERNAME", "me"}, {"OS_DATABASE__MAX_POOL_SIZE", "7"}, {"SCORIA_FILE_1_A__TARGET_PORT", "11"},
                         {"SCORIA_BACKEND_DEFAULTS__RESERVED_PERCENTAGE", "3"}, {"OS_AUTH_URL", "x"}, {"OS_SOMETHING__ELSE", "x"}, {"SCORIA_FAILPOINTS", "x"}};
  const Config config = loaded(sources);
  EXPECT_EQ(config.read<KeystoneOptions>().username, "me");
  EXPECT_EQ(config.read<DatabaseOptions>().max_pool_size, 7);
  EXPECT_EQ(config.read<BackendOptions>("file-1.a").target_port, 11);
  EXPECT_EQ(config.read<BackendOptions>("file-1.a").reserved_percentage, 3);
  sources.environment = {{"SCORIA_DATABASE__CONECTION", "x"}, {"SCORIA_NOWHERE__X", "x"}};
  EXPECT_EQ(refusal(sources), "environment SCORIA_DATABASE__CONECTION: [database] has no option 'conection'; did you mean connection?\n"
                              "environment SCORIA_NOWHERE__X: there is no section for it");
}

TEST_F(Files, a_secret_may_stand_in_a_file_of_its_own) {
  const std::string secret = put("password", "  hush hush\n");
  std::filesystem::permissions(secret, std::filesystem::perms::owner_all);
  Sources sources = file("[keystone_authtoken]\npassword_file = " + secret + "\n");
  EXPECT_EQ(loaded(sources).read<KeystoneOptions>().password.reveal(), "hush hush");
  EXPECT_EQ(notes(loaded(sources)), "");
  EXPECT_EQ(loaded(sources).show().find("hush"), std::string::npos);
  std::filesystem::permissions(secret, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  EXPECT_NE(notes(loaded(sources)).find("everybody on this machine can read " + secret), std::string::npos);
  sources.settings = {"keystone_authtoken.password=louder"};
  EXPECT_EQ(loaded(sources).read<KeystoneOptions>().password.reveal(), "louder");
  sources.settings.push_back("keystone_authtoken.password_file=" + secret);
  EXPECT_NE(refusal(sources).find("is given twice: as password and as password_file"), std::string::npos);
  EXPECT_NE(refusal("[keystone_authtoken]\npassword_file = /nowhere\n").find("cannot be read from its file: /nowhere: No such file"), std::string::npos);
}

TEST(Config, shows_everything_but_secrets_with_origins) {
  const std::string all = loaded("[database]\nconnection = postgresql://me:hush@db/x\n[keystone_authtoken]\npassword=hush\nusername = u-${keystone_authtoken.password}\n").show();
  EXPECT_NE(all.find("[database]\n# a.conf:2\nconnection = postgresql://me:***@db/x\n"), std::string::npos) << all;
  EXPECT_NE(all.find("username = ***\n"), std::string::npos) << "what holds a secret is one";
  EXPECT_EQ(all.find("hush"), std::string::npos);
  EXPECT_NE(all.find("\nosapi_max_limit = 1000\n"), std::string::npos);
  EXPECT_NE(all.find("[file]\n"), std::string::npos);
  EXPECT_EQ(all.find("tape_drives"), std::string::npos) << "options of other drivers are left out";
}

TEST(Config, explains_which_layer_won_and_what_it_hides) {
  Sources sources = file("enabled_backends=one\n[backend_defaults]\ntarget_port = 1\n[one]\ntarget_port = 2\n[database]\nconnection = postgresql://me:hush@db/x\n");
  sources.settings = {"one.target_port=3"};
  const Config config = loaded(sources);
  EXPECT_EQ(*config.explain("one.target_port"),
            "[one] target_port = 3\n  Port of iSCSI exports.\n  Takes a port number; a change needs a restart.\n"
            "  * --set one.target_port                    3\n"
            "    a.conf:5                                 2\n"
            "    a.conf:3                                 1\n"
            "    default                                  3260\n");
  EXPECT_NE(config.explain("connection")->find("* a.conf:7                                 postgresql://me:***@db/x"), std::string::npos);
  EXPECT_EQ(config.explain("transport_url").value(),
            "transport_url is an option of cinder.conf that Scoria does not have: there is no message broker; nodes meet in the database\n");
  EXPECT_EQ(config.explain("one.target_prot").error().message, "There is no option one.target_prot; did you mean target_port?");
}

TEST(Config, old_names_are_read_and_told) {
  const Config config = loaded("sql_connection = postgresql://db/x\nenabled_backends=one\n[one]\niscsi_port=9\n");
  EXPECT_EQ(config.read<DatabaseOptions>().connection.reveal(), "postgresql://db/x");
  EXPECT_EQ(config.read<BackendOptions>("one").target_port, 9);
  EXPECT_EQ(notes(config), "a.conf:1: [DEFAULT] sql_connection is an older name of [database] connection\n"
                           "a.conf:4: [one] iscsi_port is an older name of [one] target_port\n");
}

TEST_F(Files, a_reload_tells_what_changed_and_what_wants_a_restart) {
  Sources sources = file("");
  sources.files.push_back({put("a.conf", "osapi_max_limit = 1\nhost = a\nenabled_backends=one\n[keystone_authtoken]\npassword=x\n")});
  const Config before = loaded(sources);
  put("a.conf", "osapi_max_limit = 2\nhost = b\nenabled_backends=one,two\n[keystone_authtoken]\npassword=y\n[one]\ndisk_chain=9\n");
  const auto reloaded = before.reload();
  ASSERT_TRUE(reloaded) << reloaded.error().message;
  std::string changes;
  for (const Config::Change& change : reloaded->changes) changes += change.key + " " + change.before + ">" + change.after + (change.live ? " live" : "") + "; ";
  EXPECT_EQ(changes,
            "[DEFAULT] host a>b; [DEFAULT] enabled_backends one>one,two; [DEFAULT] osapi_max_limit 1>2; [keystone_authtoken] password ***>***; "
            "[one] disk_chain 8>9 live; ");
  EXPECT_EQ(before.read<ApiOptions>().max_limit, 1);
  EXPECT_EQ(reloaded->config.read<ApiOptions>().max_limit, 2);
  put("a.conf", "osapi_max_limit = many\n");
  EXPECT_FALSE(before.reload());
}

}  // namespace
}  // namespace scoria::config
