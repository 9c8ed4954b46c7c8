/* A block belongs to the class of its length, and is as long as its class allows. */
#include "execute/script/vm_alloc.h"

#include "base/must.h"
#include "execute/types/heap.h"

#include <string.h>

#ifdef BATON_LIBC_MALLOC
#define SPARE_BYTES_MAX 0 /* sanitizers are to see every block */
#else
#define SPARE_BYTES_MAX ((size_t)128 << 10) /* about what a cycle of the collector frees */
#endif

/* VM_CLASSES and more: large. */
static inline size_t kind_of(size_t len) { return (len - 1) / VM_CLASS_BYTES; }

static inline size_t kind_bytes(size_t kind) { return (kind + 1) * VM_CLASS_BYTES; }

void *vm_take(struct vm_spares *s, size_t len)
{
    size_t kind = kind_of(len);
    if (kind >= VM_CLASSES) return heap_alloc(len);
    struct vm_spare *spare = s->of[kind];
    if (spare == NULL) return heap_alloc(kind_bytes(kind));
    s->of[kind] = spare->next;
    s->bytes -= kind_bytes(kind);
    return spare;
}

void vm_give(struct vm_spares *s, void *ptr, size_t len)
{
    if (ptr == NULL) return;
    size_t kind = kind_of(len);
    if (kind >= VM_CLASSES || s->bytes + kind_bytes(kind) > SPARE_BYTES_MAX) {
        heap_free(ptr);
        return;
    }
    struct vm_spare *spare = ptr;
    spare->next = s->of[kind];
    s->of[kind] = spare;
    s->bytes += kind_bytes(kind);
}

void *vm_resize(struct vm_spares *s, void *ptr, size_t old_len, size_t len)
{
    size_t old_kind = kind_of(old_len), kind = kind_of(len);
    if (old_kind >= VM_CLASSES && kind >= VM_CLASSES) return heap_realloc(ptr, len);
    if (old_kind == kind) return ptr;
    void *moved = vm_take(s, len);
    memcpy(moved, ptr, old_len < len ? old_len : len);
    vm_give(s, ptr, old_len);
    return moved;
}

void vm_spares_close(struct vm_spares *s)
{
    for (size_t kind = 0; kind < VM_CLASSES; kind++) {
        while (s->of[kind] != NULL) {
            struct vm_spare *spare = s->of[kind];
            s->of[kind] = spare->next;
            heap_free(spare);
        }
    }
    s->bytes = 0;
}
