/* main.c - the table of commands. */
#include "cli/cmd.h"

#include <sys/prctl.h>
#include <sys/stat.h>

#ifndef EXAMHALL_VERSION
#define EXAMHALL_VERSION "unknown"
#endif
#ifndef EXAMHALL_REVISION
#define EXAMHALL_REVISION    "unknown"
#define EXAMHALL_COMMIT_TIME 0
#endif

static const struct command commands[] = {
    { "init", cmd_init, "make a new hall: spec, sample exam, keys",
      "usage: examhall init DIR [--empty] [--json]\n\n"
      "Makes the folder DIR with hall.yaml, keys, a self-signed certificate, a sample exam of 50 "
      "items,\n"
      "200 candidates with their codes (candidates.csv) and the first officer, whose password is "
      "shown\n"
      "once. --empty leaves out the sample exam and its candidates.\n\n"
      "  examhall init hall\n" },
    { "serve", cmd_serve, "run the hall",
      "usage: examhall serve [--data DIR] [--spec FILE] [--listen ADDR] [--listen-plain ADDR]\n"
      "                      [--services LIST] [--reactors N] [--tls-cert FILE --tls-key FILE]\n"
      "       examhall serve --listen-gate ADDR --gate-key FILE [--listen-probes ADDR] ...\n"
      "       examhall serve --hall HOST:PORT --gate-key FILE [--listen-probes ADDR]\n"
      "                      [--candidates N] [--drain S] [--drain-delay S] ...\n\n"
      "Starts the gateway and the hall and starts them again when they die. DIR is ./hall, FILE "
      "is\n"
      "DIR/hall.yaml and ADDR is 0.0.0.0:8443 unless told otherwise. --listen-plain serves HTTP "
      "without\n"
      "TLS as well: for a load balancer that ends TLS, or for measuring. --services hosts only "
      "some of the\n"
      "services, such as delivery,answers. The gateway is as large as the roster asks for; "
      "--reactors "
      "sets its\n"
      "threads by hand. A limit of this machine that is too low for the roster is said on stderr "
      "(limit.low)\n"
      "with the command that raises it.\n"
      "In a cluster gateways and hall are apart. --listen-gate starts a hall alone, whose gateways "
      "find it\n"
      "at ADDR; --hall starts a gateway alone, as large as N candidates need (20,000 at least); "
      "DIR "
      "is then\n"
      "only a place for its sockets. What they say goes by TLS with the key in FILE, 32 bytes or "
      "more, the\n"
      "same for all. Gateways hold requests while the hall is replaced, and look its name up "
      "again.\n"
      "--listen-probes answers /-/live, /-/started, /-/ready and /metrics by HTTP. When told to "
      "end, "
      "a\n"
      "gateway is not ready at once, takes connections for --drain-delay seconds more, and then "
      "closes\n"
      "each after a reply that says so; all is over after --drain seconds.\n\n"
      "  examhall serve --data hall --listen 0.0.0.0:443\n"
      "  hall$ examhall serve --data hall --listen-gate 10.0.0.1:7443 --gate-key gate.key\n"
      "  gate$ examhall serve --data /run/gate --hall hall:7443 --gate-key gate.key --tls-cert "
      "tls.crt \\\n"
      "            --tls-key tls.key --candidates 50000 --drain 120 --drain-delay 15\n" },
    { "upgrade", cmd_upgrade, "replace the running program; nobody notices",
      "usage: examhall upgrade [--data DIR] [--binary FILE] [--json]\n\n"
      "The hall that runs on DIR (./hall) goes on with the program FILE: this one, unless told "
      "otherwise.\n"
      "It is tried first. A new gateway takes all new connections; the old one serves on, lets "
      "each\n"
      "of its connections go right after a reply (at most 1,000 a second, 100 while the hall is "
      "slow;\n"
      "whoever is silent, after 100 s)\n"
      "and ends with the last. The hall ends and starts; what is asked meanwhile waits in the "
      "gateway.\n"
      "When a part of FILE does not start, the program of before serves on. The spec stays that of "
      "the\n"
      "start of serve. Exit status 1: refused, or it went back; 3: no hall runs.\n\n"
      "  examhall upgrade --binary build/examhall\n" },
    { "deploy", cmd_deploy, "a program into an environment, watched; back when it is worse",
      "usage: examhall deploy local [--binary FILE] [--watch TIME] [--data DIR] [--json]\n"
      "       examhall deploy local --undo [--watch TIME] [--data DIR] [--json]\n"
      "       examhall deploy ENV [--image DIR] [--infrastructure] [--credentials FILE] "
      "[--dry-run]\n"
      "                       [--certificate FILE] [--key FILE] [--roster FILE] [--kubeconfig "
      "FILE]\n"
      "                       [--values FILE] [--timeout TIME] [--repository DIR] [--spec FILE] "
      "[--json]\n"
      "       examhall deploy ENV --undo [--kubeconfig FILE] [--timeout TIME] [--dry-run] "
      "[--json]\n\n"
      "local: the hall that runs on DIR (./hall) goes on with the program FILE: this one, unless "
      "told\n"
      "otherwise. It is tried first. For five seconds it is measured how the hall is doing; then "
      "the\n"
      "gateway is replaced, watched for TIME (10s), the hall is replaced, watched for TIME, and at "
      "last\n"
      "the supervisor. When there are more errors (5xx) than before, a latency is over the spec's\n"
      "objective and over before, replies cease, processes die, or the hall does not say that it "
      "is\n"
      "ready, the program of before takes its place again, whatever has become of its file. "
      "Nobody is\n"
      "logged out, and nothing acknowledged is lost. --undo deploys the program before this one.\n"
      "ENV, an environment of the spec on aws: the steps of its pipeline by hand, each command "
      "shown\n"
      "before it runs: the spec is checked and rendered into DIR (.), the certificate is verified "
      "if ENV\n"
      "requires one (it must be of the program in the image, delivery/image), with "
      "--infrastructure\n"
      "OpenTofu plans and applies, with --credentials the image is pushed; then Helm deploys it by "
      "its\n"
      "digest: first a pod pulls the image and starts it once, and only then anything is replaced. "
      "The\n"
      "rollout is watched to its end, at most TIME (30m). If it fails, Helm goes back.\n"
      "--kubeconfig names the cluster; otherwise it is ENV's, through aws. The load balancer's "
      "target\n"
      "group is what Terraform says; with --kubeconfig alone the release keeps its own. --values "
      "adds\n"
      "values for Helm. --undo goes back to the revision before. --dry-run shows all and runs "
      "nothing.\n"
      "Exit status 0: deployed; 1: refused or rolled back, with the reason; 3: no hall runs, a "
      "tool is\n"
      "missing.\n\n"
      "  examhall deploy local --binary build/examhall --watch 30s\n"
      "  examhall deploy prod --image delivery/image --certificate delivery/certificate.json "
      "--dry-run\n" },
    { "status", cmd_status, "what runs, who is connected, rates, latencies",
      "usage: examhall status [--data DIR] [--json]\n\n"
      "On a terminal it stays and refreshes each second; Ctrl-C leaves. Elsewhere, or with --json, "
      "it\n"
      "prints once. Where a hall's gateways run elsewhere (serve --listen-gate), their state is "
      "`apart`,\n"
      "and connections and latencies, which they know, are null.\n\n"
      "  examhall status --json | jq .saves_per_s\n" },
    { "env", cmd_env, "environments from the spec: list, check, add, render, diff",
      "usage: examhall env list [--spec FILE] [--json]\n"
      "       examhall env check [--explain] [--spec FILE] [--json]\n"
      "       examhall env add NAME [--like OTHER] [--on machine|aws] [--account A] [--region R]\n"
      "                        [--domain D] [--size small|exam] [--spec FILE] [--json]\n"
      "       examhall env render NAME DIR [--spec FILE] [--json]\n"
      "       examhall env diff A B [--spec FILE] [--json]\n\n"
      "The spec is ./hall.yaml or hall/hall.yaml unless FILE says otherwise. check says every\n"
      "mistake with its line and what would be right; --explain prints every setting of the hall\n"
      "and of each environment: its value, where it comes from, what it means. add writes one\n"
      "line into the spec and leaves every other byte alone. render writes variables for\n"
      "Terraform, values for Helm, alerts and the pipeline below DIR, the same bytes each time.\n"
      "diff compares two environments, or two folders that one was rendered into each: identical\n"
      "but for names, addresses and sizes, which it lists, or every other difference by name.\n"
      "Exit status 1: the spec has mistakes, the environment is there already, or they differ.\n\n"
      "  examhall env add prod --like nonprod --account 444455556666 --size exam\n"
      "  examhall env diff nonprod prod\n" },
    { "plan", cmd_plan, "what an environment needs for its timetable, why, and for how much",
      "usage: examhall plan [--env NAME] [--capacity FILE] [--prices FILE] [--roster FILE]\n"
      "                     [--save-every S] [--start-within S] [--submit-within S]\n"
      "                     [--result-within S] [--write] [--spec FILE] [--json]\n\n"
      "Reckons from the timetable of the spec, what a rehearsal measured and a price list:\n"
      "replicas, memory, nodes, partitions, database class, quotas to ask for, money; each with\n"
      "its reason, and which constraint binds it. The environment is the one named, else the\n"
      "first on AWS of size exam. The capacity file is capacity.json beside the spec unless\n"
      "told otherwise; rehearse --capacity writes it, and without one nothing is made up. The\n"
      "packed price list has approximations: --prices takes yours (docs/capacity.md). --roster\n"
      "counts candidates by shift where there are more than the spec expects. Candidates save\n"
      "every 45 s, start and submit within 60 s, ask three times for results within 60 s.\n"
      "--write puts replicas and what else is lacking into the environment in the spec, and\n"
      "leaves every other byte alone; env render then has the schedule with them.\n"
      "Exit status 1: the spec gives less than is needed, or nothing was measured.\n\n"
      "  examhall rehearse --candidates 5000 --profile stampede --capacity capacity.json\n"
      "  examhall plan --env prod --write\n" },
    { "simulate", cmd_simulate, "a scaling policy against an exam day: who waits, what it costs",
      "usage: examhall simulate [--env NAME] [--candidates N] [--profile day|registration]\n"
      "                         [--day DATE]\n"
      "                         [--policy schedule|load|default|fixed | --sweep] [--seed X]\n"
      "                         [--node-start S] [--pod-start S] [--patience S]\n"
      "                         [--report FILE.html] [and what plan takes] [--json]\n\n"
      "Simulates the day with most candidates (or DATE) in steps of 100 ms: when people sign in,\n"
      "start, save, submit and ask for results; Kubernetes' autoscaler, the schedule, the\n"
      "scheduler, nodes that take S seconds to come (60) and pods (10); queues before the\n"
      "replicas. --candidates N scales the timetable, up to 10,000,000; without a timetable it is\n"
      "a sample day. Policies: schedule (stands ready before each shift, and follows the load),\n"
      "load (only follows it), default (as Kubernetes does unless told otherwise), fixed (the\n"
      "most there may be, all day); --sweep compares all. Who waited longer than --patience (30 "
      "s)\n"
      "counts as refused, and asks again. --report draws the day. The same seed gives the same\n"
      "bytes. It needs a capacity file, as plan does.\n"
      "--profile registration: N come on a registration's last day (else all whom the spec\n"
      "expects), more and more of them until the deadline. Each signs in, is at the form for\n"
      "20 minutes and submits it; that costs what it does in an exam. The schedule knows no\n"
      "registration, so there the policy schedule follows the load only.\n"
      "Exit status 1: somebody was refused, or waits are beyond the spec's objectives (2 s where\n"
      "it has none).\n\n"
      "  examhall simulate --env prod --report day.html\n"
      "  examhall simulate --candidates 10000000 --sweep\n"
      "  examhall simulate --profile registration --candidates 1000000 --report rush.html\n" },
    { "exam", cmd_exam, "import, list, open, close, score, publish exams",
      "usage: examhall exam import EXAM FILE [--format jsonl|csv|gift] [--replace] [--data DIR] "
      "[--json]\n"
      "       examhall exam list [--data DIR] [--json]\n"
      "       examhall exam open|close|score|publish EXAM [--data DIR] [--json]\n\n"
      "import reads a paper (JSON lines, CSV or Moodle GIFT), stores every good item and reports "
      "each\n"
      "refused one with line and reason. An exam that does not exist yet is made. --replace "
      "empties\n"
      "the paper first. Once an exam is open its paper is frozen.\n"
      "score marks all attempts of a closed exam from the log; publish lets candidates see.\n"
      "Exit status 1: no item was imported, or the exam's state forbids it.\n\n"
      "  examhall exam import paper-1 items.jsonl && examhall exam open paper-1\n" },
    { "roster", cmd_roster, "import and export candidates",
      "usage: examhall roster import FILE [--data DIR] [--json]\n"
      "       examhall roster export [--codes] [--data DIR]\n\n"
      "import reads CSV with a header: roll, name, birth, centre, shift, extra_minutes (and exam). "
      "A shift\n"
      "is named as in the spec, or exam/shift. Bad and repeated rows are reported by line; the "
      "others\n"
      "are imported. export writes CSV to stdout; --codes writes only roll,code: keep it "
      "secret.\n\n"
      "  examhall roster import candidates.csv\n" },
    { "officer", cmd_officer, "add an officer",
      "usage: examhall officer add NAME [--data DIR] [--json]\n\n"
      "Makes the officer NAME of the hall in DIR (./hall), running or not, and shows the password "
      "and the\n"
      "secret of the one-time codes once; the hall keeps a hash. init has made the first one, "
      "unless\n"
      "the hall's keys came from elsewhere, as in a cluster. Exit status 1: there is one of that "
      "name.\n\n"
      "  examhall officer add invigilator-7 --data hall\n" },
    { "rehearse", cmd_rehearse, "virtual candidates against a hall",
      "usage: examhall rehearse --candidates N [OPTION...]\n"
      "       examhall rehearse --for DIR [--certificate FILE] [OPTION...]\n"
      "       examhall rehearse --candidates N --target URL --codes FILE [OPTION...]\n"
      "       examhall rehearse --serve-agent ADDR --token-file FILE\n\n"
      "Makes a hall of its own, fills it with N virtual candidates who sit its sample exam,\n"
      "closes, scores and publishes it, and looks for every acknowledged answer in the result.\n"
      "--for: as many as the roster of the hall in DIR has, by its spec's objectives. --target: a\n"
      "hall that runs already. --serve-agent: this machine lends itself to another's rehearsal.\n\n"
      "  --minutes M         they sit so long (2), after --ramp S seconds in which they sign in\n"
      "  --profile P         day, stampede, last-minute, results, or worst: the three in one\n"
      "  --kill-hall K       kill -9 in mid-exam, K times; also --kill-gateway K\n"
      "  --upgrade K         replace the running program, K times\n"
      "  --agents HOST,...   candidates on these machines; with --token-file and --hall-listen\n"
      "  --report FILE.html  a page to sign: verdict, plots, tables; FILE.json beside it\n"
      "  --certificate FILE  the verdict, signed, tied to program, spec and roster\n"
      "  --capacity FILE     what a request costs here, for plan and simulate\n\n"
      "docs/rehearsal.md has every option, how machines work together, and what void means.\n"
      "Exit status 0: pass; 1: fail, or void (the candidates' machines were too slow to judge).\n\n"
      "  examhall rehearse --candidates 10000 --kill-hall 3 --report rehearsal.html\n"
      "  examhall rehearse --for hall --minutes 30 --certificate certificate.json\n" },
    { "verify", cmd_verify, "check a receipt or a readiness certificate",
      "usage: examhall verify receipt FILE [--key FILE] [--data DIR] [--json]\n"
      "       examhall verify certificate FILE [--key FILE] [--data DIR] [--spec FILE] [--roster "
      "FILE]\n"
      "                                   [--binary FILE|--image LAYOUT[@DIGEST]] [--at TIME] "
      "[--json]\n\n"
      "receipt: is a candidate's receipt what the hall signed? The key is keys/receipt.pub of DIR\n"
      "(./hall).\n"
      "certificate: is it signed (FILE.minisig), a pass, not expired, and are this program, the "
      "spec\n"
      "and the roster those that were rehearsed? They are this very program, DIR/hall.yaml and "
      "the\n"
      "roster of the hall in DIR, unless a file is given for one (a roster as roster export "
      "writes\n"
      "it). --image takes the program out of an image instead. The key is keys/certificate.pub of "
      "DIR.\n"
      "TIME is UTC, such as 2027-01-22T03:30:00Z.\n"
      "Without examhall: minisign -V -p certificate.pub -m FILE.\n"
      "Exit status 0: true; 1: not true, or void.\n\n"
      "  examhall verify receipt receipt-100001.json --key receipt.pub\n"
      "  examhall verify certificate certificate.json --data hall\n" },
    { "image", cmd_image, "this program as a container image: build, push",
      "usage: examhall image build [--out DIR|FILE.tar] [--tag NAME:TAG] [--sign-with KEY] "
      "[--builder URI] [--json]\n"
      "       examhall image push DIR REGISTRY/NAME:TAG [--credentials FILE] [--ca FILE] [--plain] "
      "[--json]\n\n"
      "build makes an OCI image (an image layout in ./image unless told otherwise) without a "
      "daemon "
      "and\n"
      "without root: this program, Debian's libraries that it needs, certificate authorities, time "
      "zones,\n"
      "user 65532. Same program, packages and commit (or SOURCE_DATE_EPOCH): same digest. Beside "
      "it\n"
      "sbom.cdx.json and the provenance: what --builder names made it. With a KEY of minisign -G "
      "-W the\n"
      "provenance is signed (DSSE, Ed25519).\n"
      "push sends image, SBOM and provenance; what the registry has is not sent again, and the tag "
      "moves\n"
      "last. The credentials are a file with name:password, or docker's config.json (default: "
      "docker's own).\n"
      "--ca trusts that certificate instead of the system's; --plain speaks HTTP without TLS.\n"
      "Exit status 1: the registry says no (401, 403, 409); 3: it, or the way to it, failed.\n\n"
      "  examhall image build --tag examhall:1.0\n"
      "  examhall image push image registry.example.org/exams/examhall:1.0 --credentials "
      "login.txt\n" },
    { "hall", cmd_hall, NULL, "The hall's process; started by serve.\n" },
    { "gateway", cmd_gateway, NULL, "The gateway's process; started by serve.\n" },
    { "tunnel", cmd_tunnel, NULL, "The way between a gateway and a hall; started by serve.\n" },
    { "handover", cmd_handover, NULL, "Says how this program takes over from another.\n" },
};

const char *version(void)
{
    return EXAMHALL_VERSION;
}

const char *revision(void)
{
    return EXAMHALL_REVISION;
}

int64_t commit_time_s(void)
{
    return EXAMHALL_COMMIT_TIME;
}

static int usage(FILE *to)
{
    fputs("examhall - the platform on which a nation holds its examinations\n\n", to);
    for (size_t i = 0; i < COUNT(commands); i++)
        if (commands[i].summary)
            fprintf(to, "  examhall %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\nexamhall COMMAND --help says more, with an example. --json prints for programs.\n"
          "Exit status: 0 done, 1 the answer is no, 2 usage, 3 the world failed.\n",
          to);
    return to == stdout ? EXIT_DONE : EXIT_USAGE;
}

int help_for(const char *name, FILE *to)
{
    for (size_t i = 0; i < COUNT(commands); i++)
        if (strcmp(commands[i].name, name) == 0 && commands[i].help)
            fputs(commands[i].help, to);
    return to == stdout ? EXIT_DONE : EXIT_USAGE;
}

int main(int argc, char **argv)
{
    const char *names[COUNT(commands) + 1] = { 0 };
    size_t n = 0;
    prctl(PR_SET_NAME, "examhall"); /* what is started by descriptor is called by its number */
    umask(0077);                    /* what a hall writes is nobody else's to read */
    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return usage(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        printf("examhall %s\n", version());
        return EXIT_DONE;
    }
    for (size_t i = 0; i < COUNT(commands); i++) {
        if (strcmp(commands[i].name, argv[1]) == 0)
            return commands[i].run(argc - 1, argv + 1);
        if (commands[i].summary)
            names[n++] = commands[i].name;
    }
    const char *near = str_nearest(str_z(argv[1]), names);
    fprintf(stderr, "examhall: there is no command %s%s%s; see examhall --help\n", argv[1],
            near ? "; did you mean " : "", near ? near : "");
    return EXIT_USAGE;
}
