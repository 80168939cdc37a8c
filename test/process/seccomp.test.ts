import { describe, expect, it } from 'vitest';
import { systemCallFilter } from '../../src/process/seccomp.ts';

const ALLOWED = 'allowed';
const X64 = 0xc000_003e;
const ARM64 = 0xc000_00b7;

/** Runs a filter on one call, as the kernel does; says `allowed`, or the number of the error. */
function judge(filter: Uint8Array, architecture: number, number: number, args: readonly number[] = []): string {
  const view = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, architecture, true);
  for (const [at, value] of args.entries()) data.setBigUint64(16 + 8 * at, BigInt(value), true);
  let accumulator = 0;
  for (let at = 0; at < filter.length / 8; at += 1) {
    const code = view.getUint16(at * 8, true);
    const operand = view.getUint32(at * 8 + 4, true);
    const jump = (holds: boolean) => {
      at += view.getUint8(at * 8 + (holds ? 2 : 3));
    };
    if (code === 0x20) accumulator = data.getUint32(operand, true);
    else if (code === 0x15) jump(accumulator === operand);
    else if (code === 0x35) jump(accumulator >= operand);
    else if (code === 0x45) jump((accumulator & operand) !== 0);
    else if (code === 0x06) return operand === 0x7fff_0000 ? ALLOWED : `error ${operand & 0xffff}`;
    else throw new Error(`Expected an instruction of the filter, got the code ${code}.`);
  }
  throw new Error('The filter ran past its end.');
}

const x64 = systemCallFilter('x64') ?? new Uint8Array();
const arm64 = systemCallFilter('arm64') ?? new Uint8Array();

describe('the filter of system calls', () => {
  it.each<[string, number, readonly number[], string]>([
    ['read', 0, [], ALLOWED],
    ['execve', 59, [], ALLOWED],
    ['openat', 257, [0, 0, 0, 0o644], ALLOWED],
    ['openat for a program with its owner’s rights', 257, [0, 0, 0, 0o4755], 'error 1'],
    ['chmod', 90, [0, 0o755], ALLOWED],
    ['chmod with the rights of the owner', 90, [0, 0o4755], 'error 1'],
    ['fchmod with the rights of the group', 91, [0, 0o2755], 'error 1'],
    ['fchmodat with them', 268, [0, 0, 0o6755], 'error 1'],
    ['a socket of Unix', 41, [1, 1, 0], ALLOWED],
    ['a socket of IP', 41, [2, 1, 0], ALLOWED],
    ['a socket of the other IP', 41, [10, 1, 0], ALLOWED],
    ['a socket of the kernel', 41, [16, 3, 0], ALLOWED],
    ['a socket of virtual machines', 41, [40, 1, 0], 'error 97'],
    ['a raw socket', 41, [17, 3, 0], 'error 97'],
    ['clone for a thread', 56, [0x3d0f00], ALLOWED],
    ['clone for a user namespace', 56, [0x1000_0011], 'error 1'],
    ['clone3', 435, [], 'error 38'],
    ['unshare of users', 272, [0x1000_0000], 'error 1'],
    ['ioctl for the size of a terminal', 16, [0, 0x5413], ALLOWED],
    ['ioctl that pushes input', 16, [0, 0x5412], 'error 1'],
    ['ioctl of the console', 16, [0, 0x541c], 'error 1'],
    ['io_uring_setup', 425, [], 'error 38'],
    ['keyctl', 250, [], 'error 1'],
    ['bpf', 321, [], 'error 1'],
    ['mount', 165, [], 'error 1'],
    ['a number of x32', 0x4000_0000, [], 'error 38'],
  ])('judges %s', (_, number, args, verdict) => {
    expect(judge(x64, X64, number, args)).toBe(verdict);
  });

  it('knows the numbers of the other processor', () => {
    expect([
      judge(arm64, ARM64, 63),
      judge(arm64, ARM64, 217),
      judge(arm64, ARM64, 198, [40]),
      judge(arm64, ARM64, 52, [0, 0o4755]),
    ]).toEqual([ALLOWED, 'error 1', 'error 97', 'error 1']);
  });

  it('refuses every call by the numbers of another processor', () => {
    expect([judge(x64, 0x4000_0003, 0), judge(arm64, X64, 63)]).toEqual(['error 38', 'error 38']);
  });

  it('ends on every number', () => {
    for (let number = 0; number < 600; number += 1) {
      for (const filter of [x64, arm64])
        expect(judge(filter, filter === x64 ? X64 : ARM64, number)).toMatch(/^(?:allowed|error \d+)$/);
    }
  });

  it('is not there for a processor that is not known', () => {
    expect(systemCallFilter('riscv64')).toBeNull();
  });
});
