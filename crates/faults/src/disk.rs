//! File systems on loop devices: made, mounted, cut off, taken away again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};

/// A loop device over a file; detached when it is dropped.
pub struct Loop(pub String);

impl Loop {
    pub fn over(file: &Path) -> anyhow::Result<Loop> {
        let made = Command::new("losetup").args(["-f", "--show"]).arg(file).output()?;
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        ensure!(made.status.success(), "no loop device: {said}");
        Ok(Loop(String::from_utf8(made.stdout)?.trim().to_owned()))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["-d", &self.0]).status();
    }
}

/// Something mounted; unmounted when it is dropped.
pub struct Mounted(pub PathBuf);

impl Mounted {
    pub fn on(device: &str, at: &Path) -> anyhow::Result<Mounted> {
        std::fs::create_dir_all(at)?;
        run(Command::new("mount").arg(device).arg(at))?;
        Ok(Mounted(at.to_path_buf()))
    }

    /// A file system of this size, in memory.
    pub fn in_memory(at: &Path, bytes: u64) -> anyhow::Result<Mounted> {
        std::fs::create_dir_all(at)?;
        let size = format!("size={bytes}");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "siji-faults"]).arg(at))?;
        Ok(Mounted(at.to_path_buf()))
    }

    /// The file system is cut off from its disk: what it had not written by itself is gone, its log
    /// included (GOINGDOWN without a flush of the log).
    pub fn cut(&self) -> anyhow::Result<()> {
        run(Command::new("xfs_io").args(["-x", "-c", "shutdown"]).arg(&self.0))
    }

    pub fn sync(&self) -> anyhow::Result<()> {
        run(Command::new("sync").arg("-f").arg(&self.0))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        for _ in 0..100 {
            let done = Command::new("umount").arg(&self.0).output();
            if done.is_ok_and(|done| done.status.success()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// An empty file of this size.
pub fn empty(file: &Path, bytes: u64) -> anyhow::Result<()> {
    let _ = std::fs::remove_file(file);
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(std::fs::File::create(file)?.set_len(bytes)?)
}

/// `mkfs.ext4` or `mkfs.xfs`.
pub fn format(kind: &str, on: &Path) -> anyhow::Result<()> {
    run(Command::new(format!("mkfs.{kind}")).arg("-q").arg(on))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let done = command.output().with_context(|| format!("{:?}", command.get_program()))?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{:?}: {said}", command.get_program());
    Ok(())
}
