#!/usr/bin/env bash
# cibuildwheel itself, in a container image made here: no image registry is needed.
#
#   run_cibuildwheel.sh SDIST OUTPUT PYTHONS
#
# PYTHONS are lines "3.11 /path/to/python3.11". The image is Debian (debootstrap) with a compiler,
# auditwheel, and those interpreters where the official images have them (/opt/python/cp311-cp311).
# The wheel gets the platform tag of this Debian's C library, an older one in the official images.
# Needs root, podman, runc, debootstrap, and cibuildwheel on the path.
set -euo pipefail
sdist=$1 output=$2 pythons=$3
image=localhost/cnet-manylinux
rootfs=$output/rootfs
export CONTAINERS_CONF=$output/containers.conf
mkdir -p "$output"

# crun fails where this runs inside a container; limits and network are the machine's own.
cat >"$CONTAINERS_CONF" <<'CONF'
[containers]
netns = "host"
default_ulimits = ["nofile=65535:65535", "nproc=65535:65535"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF

if [ ! -x "$rootfs/usr/bin/gcc" ]; then
    debootstrap --variant=minbase \
        --include=gcc,g++,libc6-dev,ca-certificates,libffi8,libssl3,libsqlite3-0,libbz2-1.0,liblzma5,zlib1g,libreadline8,libuuid1,patchelf,python3,python3-venv \
        bookworm "$rootfs" >"$output/debootstrap.log" 2>&1 || { tail -20 "$output/debootstrap.log"; exit 1; }
fi
mkdir -p "$rootfs/opt/python"
builds=()
while read -r name python; do
    case $name in *t) tag=cp${name//[.t]/}-cp${name//./} ;; *) tag=cp${name//./}-cp${name//./} ;; esac
    # An interpreter is found again only where it was built for.
    prefix=$("$python" -c "import sys; print(sys.base_prefix)")
    if [ ! -e "$rootfs$prefix" ]; then
        mkdir -p "$rootfs$(dirname "$prefix")"
        cp -a "$prefix" "$rootfs$prefix"
    fi
    ln -sfn "$prefix" "$rootfs/opt/python/$tag"
    [ -e "$rootfs$prefix/bin/python" ] || ln -sfn "$(basename "$python")" "$rootfs$prefix/bin/python"
    # cibuildwheel asks for its own Python in the image.
    [ -e "$rootfs/opt/python/cp39-cp39" ] || ln -sfn "$prefix" "$rootfs/opt/python/cp39-cp39"
    # It builds no wheel for a free-threaded 3.13.
    case $name in 3.13t) ;; *) builds+=("${tag%%-*}$([[ $name == *t ]] && echo t)-manylinux_x86_64") ;; esac
done <<<"$pythons"
if [ ! -x "$rootfs/usr/local/bin/auditwheel" ]; then
    chroot "$rootfs" /bin/sh -c "python3 -m venv /opt/auditwheel && /opt/auditwheel/bin/pip install -q auditwheel &&
        ln -s /opt/auditwheel/bin/auditwheel /usr/local/bin/auditwheel"
fi
if [ "$(podman image ls -q "$image" | wc -l)" = 0 ] || [ -n "${CNET_NEW_IMAGE:-}" ]; then
    tar c -C "$rootfs" --exclude=./proc --exclude=./sys . | podman import - "$image" >/dev/null
fi

CIBW_BUILD="${builds[*]}" CIBW_CONTAINER_ENGINE="podman; create_args: --network=host --runtime=runc" \
    CIBW_MANYLINUX_X86_64_IMAGE=$image CIBW_DEPENDENCY_VERSIONS=latest CIBW_AUDIT_COMMAND="" \
    cibuildwheel --platform linux --archs x86_64 --output-dir "$output/wheelhouse" "$sdist"
ls -l "$output/wheelhouse"
