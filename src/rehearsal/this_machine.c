/* this_machine.c - see this_machine.h. */
#include "rehearsal/this_machine.h"
#include "sys/limits.h"
#include "base/str.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The words behind "model name" of the first core; some architectures have none. */
static void cpu_read(char *cpu, size_t bytes)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    snprintf(cpu, bytes, "unknown");
    while (file && fgets(line, sizeof(line), file)) {
        str value = str_z(line);
        if (!str_eq(str_trim(str_cut(&value, ':')), STR("model name")))
            continue;
        value = str_trim(value);
        snprintf(cpu, bytes, "%.*s", STR_ARG(value));
        break;
    }
    if (file)
        fclose(file);
}

void this_machine_read(struct this_machine *machine)
{
    struct utsname name;
    cpu_read(machine->cpu, sizeof(machine->cpu));
    snprintf(machine->kernel, sizeof(machine->kernel), "unknown");
    if (!uname(&name))
        snprintf(machine->kernel, sizeof(machine->kernel), "%.30s %.40s %.20s", name.sysname,
                 name.release, name.machine);
    machine->cores = limits_cores();
    machine->memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}
