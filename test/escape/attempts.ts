import type { Place } from './place.ts';

/** One way out. It has succeeded when the host is not as it was, a socket of it was reached, or the output tells too much. */
export type Attempt = Readonly<{
  name: string;
  command: (place: Place) => string;
  /** What is printed only by one that has got somewhere it must not; the secret always is. */
  tells?: RegExp;
  /**
   * Whether it is shown to succeed without the sandbox: `yes`, with `root` as root only, or why not. Only what harms nothing
   * but the stage is shown.
   */
  shown: 'yes' | 'root' | string;
}>;

const HARMS = 'it would harm this machine';
const NEEDS = 'it needs rights that a test does not have everywhere';
const SELF = 'what it does to itself is no harm without a sandbox';

const perl = (code: string) => `perl -MSocket -e '${code}'`;
/** Numbers of system calls: x86-64, and those of the others (arm64, riscv64). */
const syscall = (x86: number, other: number, args: string) =>
  perl(
    `require POSIX; my $n = (POSIX::uname())[4] eq "x86_64" ? ${x86} : ${other}; my $b = "\\0" x 512; my $r = syscall($n, ${args}); print "made\\n" if $r >= 0;`,
  );
const socket = (domain: number, type: number, protocol = 0) =>
  perl(`print "made\\n" if socket(S, ${domain}, ${type}, ${protocol});`);
const unixSocket = (path: string) =>
  perl(`socket(S, PF_UNIX, SOCK_STREAM, 0) and connect(S, pack_sockaddr_un("${path}")) and print "connected\\n";`);

const WRITES: readonly (readonly [name: string, command: (place: Place) => string])[] = [
  ['writes a new file outside', ({ outside }) => `echo x > ${outside}/new`],
  ['overwrites a file outside', ({ outside }) => `echo x > ${outside}/victim`],
  ['appends to a file outside', ({ outside }) => `echo x >> ${outside}/victim`],
  ['removes a file outside', ({ outside }) => `rm -f ${outside}/victim`],
  ['renames a file outside', ({ outside }) => `mv ${outside}/victim ${outside}/moved`],
  ['moves a file from outside in', ({ outside }) => `mv ${outside}/victim .`],
  ['changes the permissions of a file outside', ({ outside }) => `chmod 777 ${outside}/victim`],
  ['makes a directory outside', ({ outside }) => `mkdir ${outside}/made`],
  ['truncates a file outside', ({ outside }) => `truncate -s 0 ${outside}/victim`],
  ['writes through a link that was there', () => 'echo x > way/new'],
  ['writes through a link that it makes', ({ outside }) => `ln -s ${outside} link && echo x > link/victim`],
  ['writes by a path with dots', () => 'echo x > ../outside/new'],
  ['writes by the root of its own process', ({ outside }) => `echo x > /proc/self/root${outside}/new`],
  ['writes to the start of a shell', ({ home }) => `echo x >> ${home}/.bashrc`],
  ['writes to our own state', ({ state }) => `echo x > ${state}/sessions/new`],
  ['unpacks an archive outside', ({ outside }) => `echo x > new && tar cf a.tar new && tar xf a.tar -C ${outside}`],
  ['writes a hook of the repository', () => 'echo x > .git/hooks/post-checkout'],
  ['writes the configuration of the repository', () => 'echo x >> .git/config'],
  ['replaces the repository', () => 'mv .git old && mkdir -p .git/hooks && echo x > .git/hooks/pre-commit'],
  ['removes the repository', () => 'rm -rf .git'],
  ['writes a hook of a nested repository', () => 'echo x > sub/.git/hooks/post-checkout'],
  [
    'replaces a nested repository by moving what is above it',
    () => 'mv sub old && mkdir -p sub/.git/hooks && echo x > sub/.git/hooks/post-checkout',
  ],
  ['writes the repository that a worktree stands for', () => 'echo x > store/config; echo x > store/worktrees/a/HEAD'],
  ['points a worktree somewhere else', () => 'echo "gitdir: /tmp" > tree/.git'],
  ['moves the repository of a worktree', () => 'mv store stored'],
  ['changes the settings of an editor', () => 'echo x > .vscode/settings.json'],
  ['adds a task to an editor', () => 'echo x > .vscode/tasks.json'],
  ['replaces the settings of an editor by a link', () => 'rm -rf .vscode && ln -s /tmp .vscode'],
  ['makes the settings of an agent', () => 'mkdir -p .claude && echo x > .claude/settings.json'],
  ['makes a list of servers for agents', () => 'echo x > .mcp.json'],
  ['makes what a directory runs when it is entered', () => 'echo x > .envrc'],
  ['makes our own settings of a project', () => 'mkdir -p .troupe && echo x > .troupe/config.json'],
  ['links the settings of an agent elsewhere', () => 'ln -s /tmp .claude'],
  ['removes a placeholder and takes its place', () => 'rmdir .cursor; mkdir .cursor && echo x > .cursor/mcp.json'],
  ['moves a placeholder away', () => 'mv .cursor x; mkdir .cursor && echo x > .cursor/mcp.json'],
];

const writes = WRITES.map(([name, command]): Attempt => ({ name, command, shown: 'yes' }));

const mounts: readonly Attempt[] = [
  {
    name: 'makes the file system writable again',
    command: ({ outside }) => `mount -o remount,bind,rw / ; mount -o remount,rw / ; echo x > ${outside}/new`,
    shown: 'root',
  },
  {
    name: 'makes one directory writable again',
    command: ({ outside }) =>
      `mount --bind ${outside} ${outside}; mount -o remount,bind,rw ${outside}; echo x > ${outside}/new`,
    shown: HARMS,
  },
  {
    name: 'takes a cover off a secret',
    command: ({ home }) => `umount -l ${home}/.ssh; cat ${home}/.ssh/id`,
    shown: 'yes',
  },
  {
    name: 'takes the protection off a repository',
    command: () => 'umount -l .git; echo x > .git/hooks/x',
    shown: 'yes',
  },
  {
    name: 'mounts in namespaces of its own',
    command: ({ outside }) => `unshare -Urm sh -c 'mount -o remount,bind,rw /; echo x > ${outside}/new; echo made'`,
    tells: /made/,
    shown: SELF,
  },
  {
    name: 'mounts in a namespace of its own, without another user',
    command: ({ outside }) => `unshare -m sh -c 'mount -o remount,rw /; echo x > ${outside}/new; echo made'`,
    tells: /made/,
    shown: SELF,
  },
  { name: 'makes a user namespace', command: () => 'unshare -U echo made', tells: /made/, shown: SELF },
  { name: 'makes a network namespace', command: () => 'unshare -n echo made', tells: /made/, shown: SELF },
  { name: 'makes a process namespace', command: () => 'unshare -pf echo made', tells: /made/, shown: SELF },
  {
    name: 'makes a namespace by a system call',
    command: () => syscall(272, 97, '0x10000000'),
    tells: /made/,
    shown: SELF,
  },
  {
    name: 'enters the namespaces of a process of the host',
    command: ({ outside, victim }) => `for p in 1 ${victim}; do nsenter -t $p -m sh -c 'echo x > ${outside}/new'; done`,
    shown: 'root',
  },
  {
    name: 'writes by the root of another process',
    command: ({ outside, victim }) => `for p in 1 ${victim}; do echo x > /proc/$p/root${outside}/new; done`,
    shown: 'root',
  },
  {
    name: 'takes another root',
    command: ({ outside, victim }) =>
      `for p in 1 ${victim}; do chroot /proc/$p/root sh -c 'echo x > ${outside}/new'; done`,
    shown: 'root',
  },
  { name: 'makes a device of a disk', command: () => 'mknod disk b 8 0', shown: 'root' },
  { name: 'makes a device of the memory', command: () => 'mknod memory c 1 1', shown: 'root' },
  {
    name: 'makes a program with its rights for others',
    command: () => 'cp /bin/true own && chmod 4755 own',
    shown: 'yes',
  },
  {
    name: 'makes a program with the rights of its group',
    command: () => 'cp /bin/true own && chmod g+s own && chmod 2755 own',
    shown: 'yes',
  },
  {
    name: 'has capabilities',
    command: () => 'grep -E "^Cap(Prm|Eff|Bnd)" /proc/self/status',
    tells: /[1-9a-f]$/m,
    shown: 'root',
  },
  {
    name: 'may gain rights by a program',
    command: () => 'grep NoNewPrivs /proc/self/status',
    tells: /0$/m,
    shown: SELF,
  },
];

const reads: readonly Attempt[] = [
  { name: 'reads a key', command: ({ home }) => `cat ${home}/.ssh/id`, shown: 'yes' },
  { name: 'reads a key by a link', command: ({ home }) => `ln -s ${home}/.ssh k; cat k/id`, shown: 'yes' },
  { name: 'reads a key by a hard link', command: ({ home }) => `ln ${home}/.ssh/id k && cat k`, shown: 'yes' },
  {
    name: 'reads a key by the root of its own process',
    command: ({ home }) => `cat /proc/self/root${home}/.ssh/id`,
    shown: 'yes',
  },
  {
    name: 'reads a key by the root of another process',
    command: ({ home, victim }) => `cat /proc/1/root${home}/.ssh/id /proc/${victim}/root${home}/.ssh/id`,
    shown: 'root',
  },
  { name: 'copies everything at home', command: ({ home }) => `tar cf - ${home} | cat`, shown: 'yes' },
  { name: 'reads another log of ours', command: ({ state }) => `cat ${state}/sessions/*`, shown: 'yes' },
  { name: 'reads the passwords of the machine', command: () => 'cat /etc/shadow', tells: /^root:/m, shown: 'root' },
  {
    name: 'reads the environment of a process of the host',
    command: ({ victim }) => `tr "\\0" "\\n" < /proc/${victim}/environ`,
    shown: 'yes',
  },
  {
    name: 'reads the environments of all processes',
    command: () => 'cat /proc/[0-9]*/environ | tr "\\0" "\\n"',
    shown: 'yes',
  },
  {
    name: 'reads the environment of its parents',
    command: () => 'cat /proc/$PPID/environ /proc/1/environ | tr "\\0" "\\n" | grep -a canary',
    shown: SELF,
  },
  { name: 'reads shared memory of the host', command: ({ shared }) => `cat ${shared}`, shown: 'yes' },
  {
    name: 'sees processes of the host',
    command: ({ victim }) => `test -e /proc/${victim}/stat && echo seen`,
    tells: /seen/,
    shown: 'yes',
  },
  {
    name: 'reads messages of the kernel',
    command: () => 'dmesg | head -1 | grep -q . && echo seen; head -c 10 /dev/kmsg && echo seen',
    tells: /seen/,
    shown: NEEDS,
  },
  {
    name: 'reads the memory of the machine',
    command: () =>
      'head -c 1 /dev/mem && echo seen; head -c 1 /dev/port && echo seen; head -c 1 /proc/kcore && echo seen',
    tells: /seen/,
    shown: NEEDS,
  },
  {
    name: 'inherits an open file',
    command: () => 'for n in 3 4 5 6 7 8 9 10 11 12; do cat <&$n && echo seen; done 2>/dev/null',
    tells: /seen/,
    shown: SELF,
  },
];

const processes: readonly Attempt[] = [
  { name: 'ends a process of the host', command: ({ victim }) => `kill -9 ${victim}`, shown: 'yes' },
  { name: 'ends all processes that it may', command: () => 'kill -9 -1', shown: HARMS },
  {
    name: 'attaches to a process of the host',
    command: ({ victim }) => syscall(101, 117, `16, ${victim}, 0, 0`),
    tells: /made/,
    shown: 'yes',
  },
  {
    name: 'reads the memory of a process of the host',
    command: ({ victim }) => `test -r /proc/${victim}/mem && head -c 1 /proc/${victim}/maps && echo seen`,
    tells: /seen/,
    shown: 'yes',
  },
  { name: 'starts processes without end', command: () => 'b() { b | b & }; b; sleep 0.5; echo over', shown: HARMS },
  {
    name: 'leaves a process behind',
    command: ({ outside }) => `(setsid sh -c 'sleep 1; echo x > ${outside}/late' &)`,
    shown: SELF,
  },
];

const sockets: readonly Attempt[] = [
  { name: 'reaches a socket of a service', command: ({ sockets: { run } }) => unixSocket(run), shown: 'yes' },
  { name: 'reaches a socket at home', command: ({ sockets: { home } }) => unixSocket(home), shown: 'yes' },
  { name: 'reaches a socket in the workspace', command: ({ sockets: { work } }) => unixSocket(work), shown: 'yes' },
  {
    name: 'reaches an abstract socket',
    command: ({ sockets: { abstract } }) => unixSocket(`\\0${abstract.slice(1)}`),
    shown: 'yes',
  },
  { name: 'reaches a port of this machine', command: ({ tcp }) => `exec 3<>/dev/tcp/127.0.0.1/${tcp}`, shown: 'yes' },
  { name: 'reaches a port by the other protocol', command: ({ tcp6 }) => `exec 3<>/dev/tcp/::1/${tcp6}`, shown: 'yes' },
  { name: 'sends a datagram', command: ({ udp }) => `echo x > /dev/udp/127.0.0.1/${udp}`, shown: 'yes' },
  { name: 'opens a socket of virtual machines', command: () => socket(40, 1), tells: /made/, shown: SELF },
  { name: 'opens a raw socket', command: () => socket(17, 3, 768), tells: /made/, shown: SELF },
  { name: 'opens a socket of ciphers', command: () => socket(38, 5), tells: /made/, shown: SELF },
  { name: 'opens a socket of the kernel for bluetooth', command: () => socket(31, 3, 1), tells: /made/, shown: SELF },
];

const kernel: readonly Attempt[] = [
  { name: 'opens a ring of requests', command: () => syscall(425, 425, '8, $b'), tells: /made/, shown: SELF },
  {
    name: 'adds a key to a ring of the kernel',
    command: () => syscall(248, 217, '"user", "troupe-escape", "x", 1, -4'),
    tells: /made/,
    shown: SELF,
  },
  { name: 'asks for a key of the kernel', command: () => syscall(250, 219, '0, -4, 1'), tells: /made/, shown: SELF },
  {
    name: 'loads a program into the kernel',
    command: () => syscall(321, 280, '0, $b, 72'),
    tells: /made/,
    shown: SELF,
  },
  { name: 'watches the processor', command: () => syscall(298, 241, '$b, 0, -1, -1, 0'), tells: /made/, shown: SELF },
  { name: 'handles faults of memory itself', command: () => syscall(323, 282, '0'), tells: /made/, shown: SELF },
  { name: 'opens a file by its handle', command: () => syscall(304, 265, '-100, $b, 0'), tells: /made/, shown: SELF },
  {
    name: 'changes a setting of the kernel',
    command: () =>
      'for f in $(find /proc/sys /proc/pressure /proc/irq /proc/bus -maxdepth 3 -type f 2>/dev/null); do (exec 3>>$f) 2>/dev/null && echo made $f; done',
    tells: /made/,
    shown: HARMS,
  },
  {
    name: 'writes to the devices of the kernel',
    command: () =>
      'for f in $(find /sys -maxdepth 4 -type f -perm -200 2>/dev/null); do (exec 3>>$f) 2>/dev/null && echo made $f; done',
    tells: /made/,
    shown: HARMS,
  },
  {
    name: 'opens a terminal',
    command: () =>
      '(: > /dev/tty) && echo made; for f in /dev/console /dev/tty0; do test -c $f && (: > $f) && echo made; done; ls /dev/pts | grep -q "^[0-9]" && echo made',
    tells: /made/,
    shown: NEEDS,
  },
  { name: 'sees a disk', command: () => 'find /dev -type b | grep -q . && echo seen', tells: /seen/, shown: NEEDS },
  {
    name: 'fills the temporary directory',
    command: () => 'fallocate -l 3000000000 /tmp/fill && echo made',
    tells: /made/,
    shown: HARMS,
  },
  { name: 'makes a file that is too large', command: () => 'truncate -s 6000000000 huge', shown: 'yes' },
];

export const ATTEMPTS: readonly Attempt[] = [...writes, ...mounts, ...reads, ...processes, ...sockets, ...kernel];
