"""Compiles the engine's hot modules where Cython and a C compiler are there; everything else is in
pyproject.toml. Without them the same files run interpreted."""

from glob import glob

from setuptools import Extension, setup

# The modules with types in a .pxd file beside them.
SOURCES = [
    path.replace(".pxd", ".py")
    for path in sorted(glob("constrint/engine/*.pxd") + glob("constrint/engine/propagators/*.pxd"))
]


def extensions() -> list[Extension]:
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    # "optional": a missing or failing compiler is a warning. -O1: most of the time goes into Python integers,
    # and a higher level takes much longer to compile for little.
    modules = [
        Extension(path[:-3].replace("/", "."), [path], optional=True, extra_compile_args=["-O1"])
        for path in SOURCES
    ]
    # Annotations speak to readers and to mypy; C's types are in the .pxd files alone.
    directives = {"annotation_typing": False, "binding": True}
    return list(cythonize(modules, language_level=3, compiler_directives=directives, quiet=True))


setup(ext_modules=extensions())
