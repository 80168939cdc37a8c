import { baseName, type LooseWord } from './command-words.ts';

/**
 * Why a command is refused, in words for the model, whatever the policy: because of a program that cannot work here, or
 * only does harm. By its base name, so that no spelling of the path helps. Null when nothing speaks against it.
 */
export function builtinDenial([name]: readonly LooseWord[]): string | null {
  if (typeof name !== 'string') return null;
  const program = baseName(name);
  const why = DENIED.find(({ programs }) => programs.has(program))?.why ?? (/^mkfs\./.test(program) ? DISKS : null);
  return why === null ? null : `\`${program}\` ${why}`;
}

const DISKS = 'changes the disks of this machine, and is never run here. Ask the user to do it.';

const DENIED: readonly Readonly<{ programs: ReadonlySet<string>; why: string }>[] = [
  {
    programs: namesIn('sudo sudoedit su doas pkexec run0 runuser'),
    why: 'changes the user, and is never run here: nobody can give a password. Do it without, or ask the user to do it.',
  },
  {
    programs: namesIn('passwd chpasswd visudo vipw'),
    why: 'changes who may use this machine, and is never run here. Ask the user to do it.',
  },
  {
    programs: namesIn('shutdown reboot halt poweroff init telinit kexec'),
    why: 'stops this machine, and is never run here.',
  },
  {
    programs: namesIn('mkfs mke2fs mkswap fdisk sfdisk cfdisk gdisk sgdisk parted wipefs blkdiscard'),
    why: DISKS,
  },
];

function namesIn(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}
