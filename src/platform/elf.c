/* elf.c - see elf.h. Structures are copied out before use: a stranger's offsets need not be
 * aligned. */
#include "platform/elf.h"

#include <elf.h>

#define SEGMENTS_MAX 64
#define ENTRIES_MAX  4096 /* of the dynamic section; libc has about 30 */

struct reader {
    str bytes;
    Elf64_Ehdr head;
    struct why *why;
};

static fail refuse(struct reader *r, const char *what)
{
    return fail_set(r->why, FAIL_INPUT, "this is not an ELF file that can be read: %s", what);
}

static bool copy(const struct reader *r, uint64_t at, void *to, size_t n)
{
    if (at > r->bytes.n || n > r->bytes.n - at)
        return false;
    memcpy(to, r->bytes.p + at, n);
    return true;
}

static bool segment(const struct reader *r, unsigned i, Elf64_Phdr *out)
{
    return copy(r, r->head.e_phoff + (uint64_t)i * sizeof(*out), out, sizeof(*out));
}

/* Text at `at` that ends with a NUL before `end`. */
static bool text(const struct reader *r, uint64_t at, uint64_t end, str *out)
{
    if (end > r->bytes.n || at >= end)
        return false;
    const char *p = r->bytes.p + at;
    const char *nul = memchr(p, 0, (size_t)(end - at));
    *out = nul ? str_of(p, (size_t)(nul - p)) : STR_NONE;
    return nul != NULL;
}

/* Addresses are where the loader would put the bytes; the segments say where they are in the file.
 */
static bool offset_of(const struct reader *r, uint64_t address, uint64_t *offset)
{
    for (unsigned i = 0; i < r->head.e_phnum; i++) {
        Elf64_Phdr load;
        if (!segment(r, i, &load))
            return false;
        if (load.p_type != PT_LOAD || address < load.p_vaddr ||
            address - load.p_vaddr >= load.p_filesz)
            continue;
        *offset = load.p_offset + (address - load.p_vaddr);
        return *offset >= load.p_offset;
    }
    return false;
}

static fail read_head(struct reader *r, struct elf *elf)
{
    Elf64_Ehdr *head = &r->head;
    if (!copy(r, 0, head, sizeof(*head)) || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(r, "it does not begin as one.");
    if (head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_ident[EI_DATA] != ELFDATA2LSB)
        return refuse(r, "it is not 64-bit little-endian.");
    if (head->e_machine != EM_X86_64 && head->e_machine != EM_AARCH64)
        return refuse(r, "its machine is neither amd64 nor arm64.");
    if (head->e_phentsize != sizeof(Elf64_Phdr) || head->e_phnum > SEGMENTS_MAX)
        return refuse(r, "its program headers have another size, or are too many.");
    elf->architecture = head->e_machine == EM_X86_64 ? STR("amd64") : STR("arm64");
    return FAIL_NONE;
}

static bool keep(struct elf *elf, int64_t tag, str name)
{
    if (tag == DT_SONAME)
        elf->soname = name;
    else if (tag == DT_RUNPATH || tag == DT_RPATH)
        elf->run_path = name;
    else if (elf->needed_count == ELF_NEEDED_MAX)
        return false;
    else
        elf->needed[elf->needed_count++] = name;
    return true;
}

static bool is_name(int64_t tag)
{
    return tag == DT_NEEDED || tag == DT_SONAME || tag == DT_RUNPATH || tag == DT_RPATH;
}

/* The names are offsets into a table that is itself one of the entries: so twice over them. */
static fail read_dynamic(struct reader *r, const Elf64_Phdr *dynamic, struct elf *elf)
{
    uint64_t table = 0, table_bytes = 0, offset = 0;
    size_t count = (size_t)MIN(dynamic->p_filesz / sizeof(Elf64_Dyn), ENTRIES_MAX), n = 0;
    Elf64_Dyn entry;
    for (; n < count; n++) {
        if (!copy(r, dynamic->p_offset + n * sizeof(entry), &entry, sizeof(entry)))
            return refuse(r, "its dynamic section lies outside of the file.");
        if (entry.d_tag == DT_NULL)
            break;
        if (entry.d_tag == DT_STRTAB)
            table = entry.d_un.d_ptr;
        if (entry.d_tag == DT_STRSZ)
            table_bytes = entry.d_un.d_val;
    }
    if (!offset_of(r, table, &offset) || table_bytes > r->bytes.n ||
        offset > r->bytes.n - table_bytes)
        return refuse(r, "its table of names lies outside of the file.");
    for (size_t i = 0; i < n; i++) {
        str name;
        if (!copy(r, dynamic->p_offset + i * sizeof(entry), &entry, sizeof(entry)) ||
            !is_name(entry.d_tag))
            continue;
        if (entry.d_un.d_val >= table_bytes ||
            !text(r, offset + entry.d_un.d_val, offset + table_bytes, &name))
            return refuse(r, "a name lies outside of its table of names.");
        if (!keep(elf, entry.d_tag, name))
            return refuse(r, "it needs more than 64 libraries.");
    }
    return FAIL_NONE;
}

fail elf_read(struct elf *elf, str bytes, struct why *why)
{
    struct reader r = { .bytes = bytes, .why = why };
    *elf = (struct elf){ 0 };
    fail f = read_head(&r, elf);
    for (unsigned i = 0; !f && i < r.head.e_phnum; i++) {
        Elf64_Phdr part;
        if (!segment(&r, i, &part))
            f = refuse(&r, "its program headers lie outside of the file.");
        else if (part.p_type == PT_LOAD &&
                 (part.p_offset > bytes.n || part.p_filesz > bytes.n - part.p_offset))
            f = refuse(&r, "a segment lies outside of the file: it is cut off.");
        else if (part.p_type == PT_DYNAMIC)
            f = read_dynamic(&r, &part, elf);
        else if (part.p_type == PT_INTERP &&
                 (part.p_filesz > bytes.n ||
                  !text(&r, part.p_offset, part.p_offset + part.p_filesz, &elf->interpreter)))
            f = refuse(&r, "its interpreter's name lies outside of the file.");
    }
    return f;
}
