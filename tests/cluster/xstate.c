/* Lets user-mode Linux 6.1 run on processors with AMX: their extended state is larger than its buffer, and Linux takes it
   back as a whole or not at all (EFAULT). What the buffer lacks is added from what the process has.
   cc -shared -fPIC -o xstate.so xstate.c; LD_PRELOAD=xstate.so linux.uml … */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#define XSTATE 0x202 /* NT_X86_XSTATE */

static char whole[1 << 16];

long ptrace(enum __ptrace_request request, ...) {
    static long (*real)(enum __ptrace_request, ...);
    if (!real) real = (long (*)(enum __ptrace_request, ...))dlsym(RTLD_NEXT, "ptrace");
    va_list rest;
    va_start(rest, request);
    pid_t pid = va_arg(rest, pid_t);
    void *addr = va_arg(rest, void *);
    void *data = va_arg(rest, void *);
    va_end(rest);
    if (request == PTRACE_SETREGSET && (long)addr == XSTATE) {
        struct iovec *given = data, all = {whole, sizeof whole};
        if (real(PTRACE_GETREGSET, pid, addr, &all) == 0 && all.iov_len > given->iov_len) {
            memcpy(whole, given->iov_base, given->iov_len);
            return real(request, pid, addr, &all);
        }
    }
    return real(request, pid, addr, data);
}
