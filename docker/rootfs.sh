#!/bin/sh
# Copy the Debian packages that Python needs, and nothing else, into a folder that becomes the root of an image.
#   rootfs.sh ROOT
set -eu
root="$1"
packages="base-files libc6 gcc-12-base libgcc-s1 libstdc++6 libcrypt1 zlib1g libexpat1 libssl3 libffi8 libbz2-1.0
liblzma5 libsqlite3-0 libuuid1 python3.11-minimal libpython3.11-minimal libpython3.11-stdlib"

mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64" "$root/var/lib/dpkg/status.d"
for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
for package in $packages; do
    # Where scanners look for the packages of images without a package manager.
    dpkg-query --status "$package" > "$root/var/lib/dpkg/status.d/$package"
    dpkg-query --listfiles "$package" | while read -r path; do
        case "$path" in
            /usr/share/doc/*/copyright) ;;
            # A link to the folder of another package, whose copyright holds for both.
            /usr/share/doc/*/*) continue ;;
            /usr/share/doc/*) [ -L "$path" ] || continue ;;
            /usr/share/man/* | /usr/share/locale/* | /usr/share/lintian/* | /usr/share/base-files/*) continue ;;
        esac
        if [ -L "$path" ] || [ -f "$path" ]; then echo "$path"; fi
    done | tar --create --no-recursion --files-from - | tar --extract --keep-directory-symlink --directory "$root"
done
# readline and dbm are linked with GPL and AGPL libraries; the others need what is not here.
(cd "$root/usr/lib/python3.11" \
    && rm -rf test lib2to3 idlelib ensurepip pydoc_data turtle.py tkinter lib-dynload/readline.* lib-dynload/_dbm.* \
        lib-dynload/_curses* lib-dynload/nis.* lib-dynload/_tkinter.*)
printf 'root:x:0:0:root:/:/sbin/nologin\nsidewall:x:10001:10001::/var/cache/sidewall:/sbin/nologin\n' > "$root/etc/passwd"
printf 'root:x:0:\nsidewall:x:10001:\n' > "$root/etc/group"
mkdir -p "$root/bundle" "$root/var/cache/sidewall" "$root/var/lib/sidewall/bundles" "$root/tmp" "$root/run" "$root/proc" "$root/sys" "$root/dev"
chmod 1777 "$root/tmp"
# Group 0: platforms that choose the user by themselves leave it that.
chown 10001:0 "$root/var/cache/sidewall" "$root/var/lib/sidewall/bundles"
chmod 0775 "$root/var/cache/sidewall" "$root/var/lib/sidewall/bundles"
# By the hash of their source: times are the same for every file of an image, and must not make Python compile again.
# torch tests the syntax of a newer Python in a file of that name.
python3.11 -m compileall -q -f --invalidation-mode unchecked-hash -x '/py312_' -s "$root" \
    "$root/usr/lib/python3.11" "$root/opt/sidewall/lib"
