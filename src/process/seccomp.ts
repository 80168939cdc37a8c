/**
 * A filter of system calls for sandboxed commands (seccomp(2)): a program of classic BPF as the kernel takes it, 8 bytes an
 * instruction. It refuses what ordinary programs do without and what has led out of sandboxes: rings of requests, keys, mounts
 * and namespaces, modules, handles of files, sockets of other worlds than IP and Unix, input pushed into a terminal, and files
 * that carry their owner's rights to others. Null for a processor whose numbers of calls are not known here.
 */
export function systemCallFilter(processor: string): Uint8Array | null {
  const known = PROCESSORS[processor];
  if (known === undefined) return null;
  const { architecture, column } = known;
  return assembled([
    load(ARCHITECTURE),
    ...unless(architecture, refuse(ENOSYS)),
    load(NUMBER),
    // x32, another set of numbers of the same processor.
    ...(processor === 'x64' ? [atLeast(X32, 0, 1), refuse(ENOSYS)] : []),
    ...Object.values(REFUSED).flatMap(({ numbers, error }) => {
      const number = numbers[column];
      return number === undefined ? [] : [equal(number, 0, 1), refuse(error)];
    }),
    ...CAREFUL.flatMap(({ numbers, checks }) => {
      const number = numbers[column];
      return number === undefined ? [] : [...onlyIf(number, checks), load(NUMBER)];
    }),
    ALLOW,
  ]);
}

/** One instruction: code, jump if true, jump if false, operand (struct sock_filter of linux/filter.h). */
export type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

const LOAD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_AT_LEAST = 0x35;
const JUMP_IF_ANY_BIT = 0x45;
const RETURN = 0x06;

/** Offsets in struct seccomp_data; arguments are 64 bits wide, and their lower halves come first on both processors. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const argument = (index: number) => 16 + 8 * index;

const ALLOW: Instruction = [RETURN, 0, 0, 0x7fff_0000];
const ERROR = 0x0005_0000;
const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** The first number of x32. */
const X32 = 0x4000_0000;

/** AUDIT_ARCH of linux/audit.h, and which of two numbers is the processor's. */
const PROCESSORS: Readonly<Record<string, { architecture: number; column: 0 | 1 }>> = {
  x64: { architecture: 0xc000_003e, column: 0 },
  arm64: { architecture: 0xc000_00b7, column: 1 },
};

/** Numbers of x86-64 (arch/x86/entry/syscalls/syscall_64.tbl) and arm64 (include/uapi/asm-generic/unistd.h). */
type Numbers = readonly [number?, number?];

const refused = (error: number, calls: Readonly<Record<string, Numbers>>) =>
  Object.fromEntries(Object.entries(calls).map(([name, numbers]) => [name, { numbers, error }]));

const REFUSED: Readonly<Record<string, { numbers: Numbers; error: number }>> = {
  // Programs that know these go on without them when they are told that they do not exist.
  ...refused(ENOSYS, {
    io_uring_setup: [425, 425],
    io_uring_enter: [426, 426],
    io_uring_register: [427, 427],
    // Their arguments are in memory, where a filter cannot look.
    clone3: [435, 435],
    openat2: [437, 437],
  }),
  ...refused(EPERM, {
    ...{ add_key: [248, 217], request_key: [249, 218], keyctl: [250, 219] },
    ...{ bpf: [321, 280], perf_event_open: [298, 241], userfaultfd: [323, 282] },
    ...{ kexec_load: [246, 104], kexec_file_load: [320, 294] },
    ...{ init_module: [175, 105], finit_module: [313, 273], delete_module: [176, 106] },
    ...{ mount: [165, 40], umount2: [166, 39], pivot_root: [155, 41], setns: [308, 268] },
    ...{ open_tree: [428, 428], move_mount: [429, 429], fsopen: [430, 430], fsconfig: [431, 431] },
    ...{ fsmount: [432, 432], fspick: [433, 433], mount_setattr: [442, 442] },
    ...{ open_by_handle_at: [304, 265], swapon: [167, 224], swapoff: [168, 225], reboot: [169, 142] },
    ...{ settimeofday: [170, 170], clock_settime: [227, 112], clock_adjtime: [305, 266] },
    ...{ acct: [163, 89], quotactl: [179, 60], syslog: [103, 116], vhangup: [153, 58] },
    ...{ iopl: [172], ioperm: [173] },
  }),
};

/** CLONE_NEWUSER */
const NEW_USER = 0x1000_0000;
/** S_ISUID and S_ISGID */
const OWNERS_RIGHTS = 0o6000;
/** TIOCSTI and TIOCLINUX */
const PUSH_INPUT = 0x5412;
const CONSOLE = 0x541c;
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK */
const FAMILIES = [1, 2, 10, 16];

const bits = (index: number, mask: number): readonly Instruction[] => [
  load(argument(index)),
  [JUMP_IF_ANY_BIT, 0, 1, mask],
  refuse(EPERM),
];

/** Calls that are refused only with some arguments. */
const CAREFUL: readonly { numbers: Numbers; checks: readonly Instruction[] }[] = [
  { numbers: [41, 198], checks: [load(argument(0)), ...oneOf(FAMILIES, refuse(EAFNOSUPPORT))] },
  { numbers: [56, 220], checks: bits(0, NEW_USER) },
  { numbers: [272, 97], checks: bits(0, NEW_USER) },
  {
    numbers: [16, 29],
    checks: [load(argument(1)), equal(PUSH_INPUT, 1, 0), equal(CONSOLE, 0, 1), refuse(EPERM)],
  },
  // chmod, fchmod, fchmodat, fchmodat2
  { numbers: [90], checks: bits(1, OWNERS_RIGHTS) },
  { numbers: [91, 52], checks: bits(1, OWNERS_RIGHTS) },
  { numbers: [268, 53], checks: bits(2, OWNERS_RIGHTS) },
  { numbers: [452, 452], checks: bits(2, OWNERS_RIGHTS) },
  // open, creat, openat, mknod, mknodat
  { numbers: [2], checks: bits(2, OWNERS_RIGHTS) },
  { numbers: [85], checks: bits(1, OWNERS_RIGHTS) },
  { numbers: [257, 56], checks: bits(3, OWNERS_RIGHTS) },
  { numbers: [133], checks: bits(1, OWNERS_RIGHTS) },
  { numbers: [259, 33], checks: bits(2, OWNERS_RIGHTS) },
];

function load(offset: number): Instruction {
  return [LOAD, 0, 0, offset];
}

function equal(value: number, ifTrue: number, ifFalse: number): Instruction {
  return [JUMP_IF_EQUAL, ifTrue, ifFalse, value];
}

function atLeast(value: number, ifTrue: number, ifFalse: number): Instruction {
  return [JUMP_IF_AT_LEAST, ifTrue, ifFalse, value];
}

function refuse(error: number): Instruction {
  return [RETURN, 0, 0, ERROR | error];
}

function unless(value: number, otherwise: Instruction): readonly Instruction[] {
  return [equal(value, 1, 0), otherwise];
}

/** Goes on after `otherwise` when what is loaded is one of the values. */
function oneOf(values: readonly number[], otherwise: Instruction): readonly Instruction[] {
  return [...values.map((value, at) => equal(value, values.length - at, 0)), otherwise];
}

/** The checks, when the number that is loaded is this one. */
function onlyIf(number: number, checks: readonly Instruction[]): readonly Instruction[] {
  return [equal(number, 0, checks.length), ...checks];
}

const INSTRUCTION_BYTES = 8;

function assembled(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * INSTRUCTION_BYTES);
  program.forEach(([code, ifTrue, ifFalse, operand], index) => {
    const at = index * INSTRUCTION_BYTES;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(ifTrue, at + 2);
    bytes.writeUInt8(ifFalse, at + 3);
    bytes.writeUInt32LE(operand >>> 0, at + 4);
  });
  return bytes;
}
