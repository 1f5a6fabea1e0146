#include <Python.h>

#ifdef Py_LIMITED_API
#error "these are not the headers of one Python"
#endif

int hello_twice(int *value);

/* PyTuple_SET_ITEM is no function: where a tuple keeps its items is compiled in. */
static PyObject *compiled_for(PyObject *self, PyObject *none)
{
    PyObject *found = PyTuple_New(2);
    if (found == NULL)
        return NULL;
    PyTuple_SET_ITEM(found, 0, PyLong_FromLong(PY_MAJOR_VERSION));
    PyTuple_SET_ITEM(found, 1, PyLong_FromLong(PY_MINOR_VERSION));
    return found;
}

static PyObject *twice(PyObject *self, PyObject *none)
{
    int value = 2;
    return PyLong_FromLong(hello_twice(&value));
}

static PyMethodDef methods[] = {
    {"compiled_for", compiled_for, METH_NOARGS, "The Python whose headers it was compiled with."},
    {"twice", twice, METH_NOARGS, "0 where a kernel could be started."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_hello", NULL, -1, methods};

PyMODINIT_FUNC PyInit__hello(void)
{
    return PyModule_Create(&module);
}
